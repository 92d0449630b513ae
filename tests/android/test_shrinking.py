"""Tests with R8 and with the signatures of API 36: the library's rules suffice, and no newer Android lacks a member."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from android_api import AndroidApi, uses_of
from android_tools import API_36, CACHE, fetch, shrink
from core_cases import fine_alpha_case, fine_composite_case
from java_core import VideoCase, walk
from request_server import RequestServer
from support import ROOT

sys.path.insert(0, str(ROOT / "android_demo"))
import build_apk

RULES = ROOT / "android_demo" / "matting" / "consumer-rules.pro"


@dataclass(frozen=True)
class Built:
    """The compiled app.

    Attributes:
        classes: folder of the classes of core, library and app.
        stubs: folder of the compile-only classes.
        platform: Android's classes.
        rules: what aapt2 says that the manifest and the layouts need.
    """

    classes: Path
    stubs: Path
    platform: Path
    rules: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Return the compiled app, without native libraries and package."""
    work = tmp_path_factory.mktemp("app")
    try:
        platform, resources = (build_apk.fetch(package, CACHE) for package in (build_apk.PLATFORM, build_apk.RESOURCES))
    except (build_apk.UnavailableError, FileNotFoundError) as error:
        pytest.skip(f"THE ANDROID APP IS NOT COMPILED: {error}")
    build_apk.link_resources(build_apk.App.read(), resources, work)
    classes = build_apk.compile_java(platform, work)
    return Built(classes, work / "stubs", platform, work / build_apk.KEEP_RULES)


@pytest.mark.slow
def test_api_36_has_every_member_of_android_that_the_app_uses(built: Built) -> None:
    """The sources compile against API 23 and stubs of newer members."""
    api = AndroidApi(fetch(API_36))
    uses = uses_of(built.classes)
    assert len(uses) > 200
    assert [use for use in uses if not api.has(use)] == []


@pytest.mark.slow
def test_r8_takes_the_app_and_keeps_what_native_code_finds_by_name(built: Built, tmp_path: Path) -> None:
    exception = "com/google/ai/edge/litert/LiteRtException"
    program = tmp_path / "app.jar"
    with zipfile.ZipFile(program, "w") as archive:
        for file in sorted(built.classes.rglob("*.class")):
            archive.write(file, file.relative_to(built.classes))
        archive.write(built.stubs / f"{exception}.class", f"{exception}.class")
    out, names = tmp_path / "app.zip", tmp_path / "names.txt"
    inputs = ["--min-api", 24, "--lib", built.platform, "--classpath", built.stubs, "--pg-conf", RULES]
    shrink(*inputs, "--pg-conf", built.rules, "--pg-map-output", names, "--output", out, program)
    with zipfile.ZipFile(out) as archive:
        dex = archive.read("classes.dex")
    kept = ["ai/mmnet/core/NativeCore", exception, *(f"ai/mmnet/demo/{name}Activity" for name in ("Live", "Photo"))]
    for name in kept:
        assert f"L{name};".encode() in dex, name
    assert b"Landroidx/annotation/" not in dex
    renamed = re.search(r"^ai\.mmnet\.matting\.Matting -> (\S+):$", names.read_text(), re.MULTILINE)
    assert renamed is not None
    assert not renamed[1].startswith("ai.")


@pytest.mark.slow
def test_the_shrunk_core_finds_the_native_library(class_path: str, tmp_path: Path) -> None:
    """The library's rules are the only ones beside the entry of the test's program."""
    folder = Path(class_path.split(":")[0])
    program, out, entry = tmp_path / "core.jar", tmp_path / "shrunk.jar", tmp_path / "entry.pro"
    with zipfile.ZipFile(program, "w") as archive:
        for file in sorted((folder / "ai" / "mmnet" / "core").glob("*.class")):
            if "Test" not in file.name:
                archive.write(file, file.relative_to(folder))
    entry.write_text("-keep class ai.mmnet.core.RequestServer { public static void main(java.lang.String[]); }\n")
    home = subprocess.run(["java", "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=True)
    (jdk,) = (line.split(" = ")[1] for line in home.stderr.splitlines() if "java.home" in line)
    shrink("--classfile", "--lib", jdk, "--pg-conf", RULES, "--pg-conf", entry, "--output", out, program)
    with zipfile.ZipFile(out) as archive:
        assert not any("MattePipeline" in name for name in archive.namelist())
    random = np.random.default_rng(8)
    cases = [
        fine_alpha_case(random, 70, 90, 24),
        fine_composite_case(random, 60, 80),
        VideoCase(walk(random, 12), 16, smoothed=True),
    ]
    command = ["java", "-Xcheck:jni", f"-Djava.library.path={folder}", "-cp", str(out), "ai.mmnet.core.RequestServer"]
    with RequestServer(*command) as server:
        for case in cases:
            assert server.send(case.request()) == case.answer()
