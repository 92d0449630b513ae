#!/usr/bin/env python3
"""Builds the app without Gradle: compile, dex, pack, align, sign. Needs Python alone, and Debian's packages.

    android_demo/build_apk.py                          # build/mmnet-demo-without-litert.apk
    android_demo/build_apk.py --output demo.apk --cache ~/.cache/mmnet-android

It proves that the Java compiles against Android's own classes, that the resources link, that dx takes every class, and
that the package is aligned and signed. It does not prove that the app runs: LiteRT is replaced by compile-only stubs,
which are not packed. Android Studio or Gradle builds the app that runs.

dx and the platform jar (API 23) come from Debian 11's packages, fetched once from the mirrors that apt is set up with
and checked by their hashes. Exit status: 0 built, 1 something in the project is wrong, 3 a tool or package is missing.
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

HERE = Path(__file__).resolve().parent
NAME = "mmnet-demo-without-litert.apk"
FAILED, UNAVAILABLE = 1, 3
_TOOLS = {  # command → Debian package
    "javac": "default-jdk-headless",
    "keytool": "default-jre-headless",
    "aapt2": "aapt",
    "zipalign": "zipalign",
    "apksigner": "apksigner",
    "dpkg-deb": "dpkg",
    "apt-get": "apt",
}
_TIMEOUT_SECONDS = 60


class BuildError(Exception):
    """Something in the project is wrong."""


class UnavailableError(Exception):
    """A tool or a package cannot be had here."""


@dataclass(frozen=True)
class Package:
    """A file of a Debian package that apt's own release has no more."""

    path: str  # below a mirror
    sha256: str
    member: str
    name: str  # in the cache


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


@dataclass(frozen=True)
class App:
    """What app/build.gradle says of the app, so that nothing is said twice."""

    package: str
    min_sdk: str
    target_sdk: str
    version_code: str
    version_name: str

    @classmethod
    def read(cls) -> App:
        """From app/build.gradle."""
        text = (HERE / "app" / "build.gradle").read_text()

        def value(key: str) -> str:
            found = re.search(rf"^\s*{key} +'?([^'\s]+)'?$", text, re.MULTILINE)
            if found is None:
                raise BuildError(f"app/build.gradle: has no {key}")
            return found[1]

        return cls(*map(value, ("applicationId", "minSdk", "targetSdk", "versionCode", "versionName")))


def build(output: Path, cache: Path) -> None:
    """Build the app at `output`; what is fetched or made once stays in `cache`.

    Raises:
        BuildError, UnavailableError: see there; `output` is then as it was.
    """
    if missing := {command: package for command, package in _TOOLS.items() if shutil.which(command) is None}:
        raise UnavailableError(
            f"no {', '.join(missing)} here; on Debian: apt-get install {' '.join(sorted(set(missing.values())))}"
        )
    cache.mkdir(parents=True, exist_ok=True)
    dx, platform = fetch(DX, cache), fetch(PLATFORM, cache)
    app = App.read()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".apk-") as name:
        work = Path(name)
        packed = link_resources(app, platform, work)
        classes = compile_java(platform, work)
        add_dex(app, dx, classes, packed, work)
        signed = align_and_sign(app, packed, cache, work)
        check(app, signed)
        signed.replace(output)


def fetch(package: Package, cache: Path) -> Path:
    """The package's file, from the cache or from a mirror."""
    wanted = cache / package.name
    if wanted.exists():
        return wanted
    deb = cache / Path(package.path).name
    problem = "apt knows no mirror"
    for mirror in _mirrors():
        try:
            with urllib.request.urlopen(mirror + package.path, timeout=_TIMEOUT_SECONDS) as response:
                content = response.read()
        except (urllib.error.URLError, OSError) as error:
            problem = f"a mirror says {error}"
            continue
        if hashlib.sha256(content).hexdigest() == package.sha256:
            break
        problem = "a mirror's file has another hash"
    else:
        raise UnavailableError(f"{deb.name}: cannot be fetched: {problem}; put it into {cache} by hand")
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", "/dev/stdin"], input=content, capture_output=True, check=True)
    with tempfile.TemporaryFile() as file:
        file.write(tar.stdout)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            member = archive.extractfile(package.member)
            assert member is not None
            part = wanted.with_suffix(f".part{os.getpid()}")
            part.write_bytes(member.read())
    part.replace(wanted)
    return wanted


def link_resources(app: App, platform: Path, work: Path) -> Path:
    """Resources, assets and manifest → an APK without code; R.java → gen/."""
    main = HERE / "app" / "src" / "main"
    resources, packed = work / "resources.zip", work / "packed.apk"
    run("aapt2", "compile", "--dir", main / "res", "-o", resources)
    # Gradle takes the package from its own file, aapt2 from the manifest.
    manifest = work / "AndroidManifest.xml"
    text = (main / "AndroidManifest.xml").read_text()
    manifest.write_text(text.replace("<manifest ", f'<manifest package="{app.package}" ', 1))
    command = ["aapt2", "link", "-I", platform, "--manifest", manifest, "-o", packed, "--java", work / "gen"]
    for folder in (main / "assets", HERE.parent / "runtime" / "models"):  # as in app/build.gradle
        if folder.is_dir():
            command += ["-A", folder]
    # Not "-0 .tflite": Debian's aapt2 compresses mmnet-1.0-256-int8.tflite nevertheless.
    command += ["--no-compress-regex", r"\.tflite$", "--debug-mode"]
    command += ["--min-sdk-version", app.min_sdk, "--target-sdk-version", app.target_sdk]
    command += ["--version-code", app.version_code, "--version-name", app.version_name, resources]
    run(*command)
    return packed


def compile_java(platform: Path, work: Path) -> Path:
    """All sources against Android's classes alone, warnings being errors; the stubs are kept out of the result."""
    strict = ["-source", "8", "-target", "8", "-encoding", "UTF-8", "-Xlint:all,-options,-try", "-Werror"]

    def javac(sources: Sequence[Path], boot: Sequence[Path], classes: Path, path: Sequence[Path] = ()) -> None:
        files = [file for folder in sources for file in sorted(folder.rglob("*.java"))]
        boot_path, class_path = (":".join(map(str, paths)) for paths in (boot, path or [nothing]))
        run("javac", *strict, "-bootclasspath", boot_path, "-cp", class_path, "-d", classes, *files)

    core, stubs, app, nothing = (work / name for name in ("core", "stubs", "app", "nothing"))
    nothing.mkdir()
    javac([HERE / "core" / "src" / "main" / "java"], [platform], core)
    javac([HERE / "stubs"], [platform], stubs)
    # The stubs come first: that of PowerManager has what the platform jar, which is older, has not.
    javac([HERE / "app" / "src" / "main" / "java", work / "gen"], [stubs, platform], app, [core])
    shutil.copytree(core, app, dirs_exist_ok=True)
    return app


def add_dex(app: App, dx: Path, classes: Path, packed: Path, work: Path) -> None:
    """Class files → classes.dex, into the APK."""
    dex = work / "classes.dex"
    arguments = ["--dex", f"--min-sdk-version={app.min_sdk}", f"--output={dex}", classes]
    run("java", "-cp", dx, "com.android.dx.command.Main", *arguments)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.write(dex, dex.name)


def align_and_sign(app: App, packed: Path, cache: Path, work: Path) -> Path:
    """As Android wants it, signed with a key of this machine that says no more than that it is for debugging."""
    aligned, key = work / "aligned.apk", cache / "debug.keystore"
    run("zipalign", "-p", "4", packed, aligned)
    if not key.exists():
        made = work / key.name
        command = ["keytool", "-genkeypair", "-keystore", made, "-storetype", "PKCS12", "-storepass", "android"]
        command += ["-alias", "debug", "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000"]
        run(*command, "-dname", "CN=Android Debug")
        made.replace(key)
    command = ["apksigner", "sign", "--ks", key, "--ks-pass", "pass:android", "--min-sdk-version", app.min_sdk]
    run(*command, aligned)
    return aligned


def check(app: App, signed: Path) -> None:
    """Ask the tools what they think of the result."""
    run("zipalign", "-c", "-p", "4", signed)
    run("apksigner", "verify", "--min-sdk-version", app.min_sdk, signed)
    badging = run("aapt2", "dump", "badging", signed)
    for expected in (f"name='{app.package}'", f"sdkVersion:'{app.min_sdk}'", "launchable-activity"):
        if expected not in badging:
            raise BuildError(f"the package says nothing of {expected}")
    with zipfile.ZipFile(signed) as archive:
        dex = archive.read("classes.dex")
    if f"L{app.package.replace('.', '/')}/LiveActivity;".encode() not in dex:
        raise BuildError("the package has no LiveActivity")


def run(*command: object) -> str:
    """Run a tool; its output."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{words[0]} {words[1]}: failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def _mirrors() -> list[str]:
    """Where apt is set up to fetch Debian from; every release of a mirror shares its pool."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian"],
        capture_output=True,
        text=True,
        check=False,
    )
    return list(dict.fromkeys(line for line in listed.stdout.split() if line.startswith("http")))


def main() -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", "-o", type=Path, default=HERE / "build" / NAME, metavar="FILE")
    parser.add_argument("--cache", type=Path, default=HERE.parent / ".cache" / "android", metavar="DIR")
    options = parser.parse_args()
    try:
        build(options.output.resolve(), options.cache.expanduser().resolve())
    except UnavailableError as error:
        print(f"error: {error}", file=sys.stderr)
        return UNAVAILABLE
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    print(f"wrote {options.output} ({options.output.stat().st_size / 1024:.0f} KiB), without LiteRT: it does not run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
