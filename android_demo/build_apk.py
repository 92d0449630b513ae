#!/usr/bin/env python3
"""Build the app without Gradle: compile, dex, pack, align and sign. It needs only Python and Debian packages.

    android_demo/build_apk.py                          # build/mmnet-demo-without-litert.apk
    android_demo/build_apk.py --output demo.apk --cache ~/.cache/mmnet-android

A built package shows that the Java code compiles against Android's classes, that the native core compiles for
Android's processors, that the resources link, that dx accepts every class, and that the package is aligned and signed.
It does not show that the app runs: compile-only stubs replace LiteRT and are not packed. Build the app that runs with
Android Studio or Gradle.

dx and the classes of the platform (API 23) are from packages of Debian 11, the resources of the platform (API 34) from
one of Debian 13. They are fetched once from the mirrors that apt uses, and checked by their hashes. stubs/ declares
what the app calls of newer classes.

The same sources, tools and key give the same bytes, in any folder. Exit status: 0 if the package was built, 1 if the
project has an error, 3 if a tool or a package is missing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import native_library

HERE = Path(__file__).resolve().parent
NAME = "mmnet-demo-without-litert.apk"
KEEP_RULES = "resources.pro"  # what aapt2 says that R8 must keep for the manifest and the layouts
FAILED, UNAVAILABLE = 1, 3
_TOOLS = {  # the Debian package of each command
    "javac": "default-jdk-headless",
    "clang": "clang",
    "ld.lld": "lld",
    "keytool": "default-jre-headless",
    "aapt2": "aapt",
    "zipalign": "zipalign",
    "apksigner": "apksigner",
    "dpkg-deb": "dpkg",
    "apt-get": "apt",
}
_TIMEOUT_SECONDS = 60


class BuildError(Exception):
    """Raised when the project has an error: a tool refuses a source, or the result is incomplete."""


class UnavailableError(Exception):
    """Raised when a tool or a package is missing and cannot be fetched."""


@dataclass(frozen=True)
class Package:
    """One file in a Debian package of an older release.

    Attributes:
        path: path of the package below the root of a mirror.
        sha256: hash of the package.
        member: path of the file in the package.
        name: name of the file in the cache.
    """

    path: str
    sha256: str
    member: str
    name: str


DX = Package(
    "pool/main/a/android-platform-dalvik/dalvik-exchange_10.0.0+r36-1_all.deb",
    "8fc128db7c27253d963eb9b33de79b197162a4749d2ba69019b2fd0664cbd7fe",
    "./usr/share/java/com.android.dx-10.0.0.jar",
    "dx-10.0.0.jar",
)
PLATFORM = Package(
    "pool/main/a/android-framework-23/libandroid-23-java_6.0.1+r72-6_all.deb",
    "8af1b6df556971dda0a6da3536ea526a838e0c363afcdd454213d8bce94793e3",
    "./usr/share/java/com.android.android-23.jar",
    "android-23.jar",
)
RESOURCES = Package(
    "pool/main/a/android-platform-frameworks-base/android-framework-res_14~beta1-3_all.deb",
    "2813eeaa722b1fc67d66701ddb6111d4b74f84df20974c220da04b0ef5f4c1c8",
    "./usr/share/android-framework-res/framework-res.apk",
    "framework-res-34.apk",
)
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)  # of each file in the APK: the time of the build would change the bytes


@dataclass(frozen=True)
class App:
    """The settings of the app. app/build.gradle is their only source."""

    package: str
    min_sdk: str
    target_sdk: str
    version_code: str
    version_name: str

    @classmethod
    def read(cls) -> App:
        """Read the settings from app/build.gradle.

        Raises:
            BuildError: a setting is missing.
        """
        text = (HERE / "app" / "build.gradle").read_text()

        def value(key: str) -> str:
            match = re.search(rf"^\s*{key} = '?([^'\s]+)'?$", text, re.MULTILINE)
            if match is None:
                raise BuildError(f"app/build.gradle: the setting {key} is missing; add it to defaultConfig")
            return match[1]

        return cls(*map(value, ("applicationId", "minSdk", "targetSdk", "versionCode", "versionName")))


def build(output: Path, cache: Path) -> None:
    """Build the app.

    Args:
        output: the APK to write. It stays as it was if the build fails.
        cache: a folder for the files that are fetched, and for the key that signs the app.

    Raises:
        BuildError: the project has an error.
        UnavailableError: a tool or a package is missing.
    """
    if missing := {command: package for command, package in _TOOLS.items() if shutil.which(command) is None}:
        raise UnavailableError(
            f"missing tools: {', '.join(missing)}; on Debian: apt-get install {' '.join(sorted(set(missing.values())))}"
        )
    cache.mkdir(parents=True, exist_ok=True)
    dx, platform, resources = (fetch(package, cache) for package in (DX, PLATFORM, RESOURCES))
    app = App.read()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".apk-") as name:
        work = Path(name)
        packed = link_resources(app, resources, work)
        classes = compile_java(platform, work)
        add_dex(app, dx, classes, packed, work)
        add_native(packed, work)
        signed = align_and_sign(app, packed, cache, work)
        check(app, signed)
        signed.replace(output)


def fetch(package: Package, cache: Path) -> Path:
    """Return the path of a package's file in the cache. If it is not there, fetch the package from a mirror first.

    Raises:
        UnavailableError: no mirror gives the package.
    """
    target = cache / package.name
    if target.exists():
        return target
    problem = "apt has no mirror of Debian"
    for mirror in _mirrors():
        try:
            with urllib.request.urlopen(mirror + package.path, timeout=_TIMEOUT_SECONDS) as response:
                content = response.read()
        except (urllib.error.URLError, OSError) as error:
            problem = f"the mirror answers: {error}"
            continue
        if hashlib.sha256(content).hexdigest() == package.sha256:
            break
        problem = "the file of the mirror has another hash"
    else:
        raise UnavailableError(
            f"{Path(package.path).name}: cannot be fetched: {problem}; extract {package.member} from it to {target}"
        )
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", "/dev/stdin"], input=content, capture_output=True, check=True)
    with tempfile.TemporaryFile() as file:
        file.write(tar.stdout)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            member = archive.extractfile(package.member)
            assert member is not None
            part = target.with_suffix(f".part{os.getpid()}")
            part.write_bytes(member.read())
    part.replace(target)
    return target


def link_resources(app: App, framework: Path, work: Path) -> Path:
    """Pack resources, assets and the manifest into an APK without code. R.java is written to gen/ in `work`.

    Args:
        app: the settings.
        framework: the APK of the platform's resources.
        work: a folder for what is built.

    Returns:
        The path of the APK.
    """
    main = HERE / "app" / "src" / "main"
    resources, packed = work / "resources.zip", work / "packed.apk"
    run("aapt2", "compile", "--dir", main / "res", "-o", resources)
    # Gradle reads the package name from build.gradle, but aapt2 expects it in the manifest.
    manifest = work / "AndroidManifest.xml"
    text = (main / "AndroidManifest.xml").read_text()
    manifest.write_text(text.replace("<manifest ", f'<manifest package="{app.package}" ', 1))
    command = ["aapt2", "link", "-I", framework, "--manifest", manifest, "-o", packed, "--java", work / "gen"]
    for folder in (main / "assets", HERE.parent / "runtime" / "models"):  # as in matting/build.gradle
        if folder.is_dir():
            command += ["-A", folder]
    # With "-0 .tflite", Debian's aapt2 would still compress mmnet-1.0-256-int8.tflite.
    command += ["--no-compress-regex", r"\.tflite$", "--debug-mode", "--proguard", work / KEEP_RULES]
    command += ["--min-sdk-version", app.min_sdk, "--target-sdk-version", app.target_sdk]
    command += ["--version-code", app.version_code, "--version-name", app.version_name, resources]
    run(*command)
    return packed


def compile_java(platform: Path, work: Path) -> Path:
    """Compile core, library and app with warnings as errors, against Android's classes and the stubs.

    Returns:
        The folder of the class files of core, library and app, without those of the stubs.
    """
    strict = ["-source", "8", "-target", "8", "-encoding", "UTF-8", "-Xlint:all,-options,-try", "-Werror"]

    def javac(sources: Sequence[Path], boot: Sequence[Path], classes: Path, path: Sequence[Path] = ()) -> None:
        files = [file for folder in sources for file in sorted(folder.rglob("*.java"))]
        boot_path, class_path = (":".join(map(str, paths)) for paths in (boot, path or [empty]))
        run("javac", *strict, "-bootclasspath", boot_path, "-cp", class_path, "-d", classes, *files)

    core, stubs, matting, app, empty = (work / name for name in ("core", "stubs", "matting", "app", "empty"))
    empty.mkdir()
    javac([HERE / "stubs"], [platform], stubs)
    javac([HERE / "core" / "src" / "main" / "java"], [platform], core, [stubs])
    # The library sees no class of the app, as in matting/build.gradle.
    javac([HERE / "matting" / "src" / "main" / "java"], [stubs, platform], matting, [core])
    # The stubs come first, because the platform jar has an older PowerManager without the thermal status.
    javac([HERE / "app" / "src" / "main" / "java", work / "gen"], [stubs, platform], app, [core, matting])
    shutil.copytree(core, app, dirs_exist_ok=True)
    shutil.copytree(matting, app, dirs_exist_ok=True)
    return app


def add_dex(app: App, dx: Path, classes: Path, packed: Path, work: Path) -> None:
    """Convert the class files to classes.dex and add it to the APK."""
    dex = work / "classes.dex"
    arguments = ["--dex", f"--min-sdk-version={app.min_sdk}", f"--output={dex}", classes]
    run("java", "-cp", dx, "com.android.dx.command.Main", *arguments)
    with zipfile.ZipFile(packed, "a") as archive:
        add_file(archive, dex.name, dex)


def add_file(archive: zipfile.ZipFile, name: str, file: Path) -> None:
    """Add a file to an archive, compressed and with a fixed time and mode."""
    entry = zipfile.ZipInfo(name, _TIMESTAMP)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, file.read_bytes())


def add_native(packed: Path, work: Path) -> None:
    """Compile the native core for each ABI and add it to the APK. Android unpacks it when the app is installed."""
    folder = work / "native"
    folder.mkdir()
    with zipfile.ZipFile(packed, "a") as archive:
        for abi, library in native_library.compile_native(run, folder).items():
            add_file(archive, f"lib/{abi}/{library.name}", library)


def align_and_sign(app: App, packed: Path, cache: Path, work: Path) -> Path:
    """Align the APK as Android requires, and sign it with a debug key.

    The key is generated at the first build and kept in `cache`.

    Returns:
        The path of the signed APK.
    """
    aligned, key = work / "aligned.apk", cache / "debug.keystore"
    run("zipalign", "-p", "4", packed, aligned)
    if not key.exists():
        new_key = work / key.name
        command = ["keytool", "-genkeypair", "-keystore", new_key, "-storetype", "PKCS12", "-storepass", "android"]
        command += ["-alias", "debug", "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000"]
        run(*command, "-dname", "CN=Android Debug")
        new_key.replace(key)
    command = ["apksigner", "sign", "--ks", key, "--ks-pass", "pass:android", "--min-sdk-version", app.min_sdk]
    run(*command, aligned)
    return aligned


def check(app: App, signed: Path) -> None:
    """Check the alignment, the signature, the manifest and the classes of the signed APK.

    Raises:
        BuildError: a check fails.
    """
    run("zipalign", "-c", "-p", "4", signed)
    run("apksigner", "verify", "--min-sdk-version", app.min_sdk, signed)
    badging = run("aapt2", "dump", "badging", signed)
    for expected in (f"name='{app.package}'", f"sdkVersion:'{app.min_sdk}'", "launchable-activity"):
        if expected not in badging:
            raise BuildError(f"{signed.name}: aapt2 does not list {expected} in the package")
    with zipfile.ZipFile(signed) as archive:
        dex = archive.read("classes.dex")
        libraries = {name: archive.read(name) for name in archive.namelist() if name.startswith("lib/")}
    if f"L{app.package.replace('.', '/')}/LiveActivity;".encode() not in dex:
        raise BuildError(f"{signed.name}: the class LiveActivity is missing in classes.dex")
    if {name.split("/")[1] for name in libraries} != set(native_library.ABIS):
        raise BuildError(f"{signed.name}: the native core of an ABI is missing; there is {', '.join(libraries)}")
    for name, library in libraries.items():
        if (found := native_library.alignment(library)) < native_library.PAGE:
            raise BuildError(f"{name}: the segments are aligned to {found} bytes, not {native_library.PAGE}")


def run(*command: object) -> str:
    """Run a tool and return its output.

    Raises:
        BuildError: the tool fails; the message has its output.
    """
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{words[0]} {words[1]}: failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def _mirrors() -> list[str]:
    """Return the addresses of the Debian mirrors that apt uses. All releases on a mirror share one pool of packages."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian"],
        capture_output=True,
        text=True,
        check=False,
    )
    return list(dict.fromkeys(line for line in listed.stdout.split() if line.startswith("http")))


def main() -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--output", "-o", type=Path, default=HERE / "build" / NAME, metavar="FILE", help="the APK to write"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=HERE.parent / ".cache" / "android",
        metavar="DIR",
        help="folder for the fetched files and the debug key",
    )
    options = parser.parse_args()
    try:
        build(options.output.resolve(), options.cache.expanduser().resolve())
    except UnavailableError as error:
        print(f"error: {error}", file=sys.stderr)
        return UNAVAILABLE
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    content = options.output.read_bytes()
    print(f"wrote {options.output} ({len(content) / 1024:.0f} KiB); it has no LiteRT and does not run")
    print(f"sha256 {hashlib.sha256(content).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
