"""Tests of the Gradle files as text. The project's tests do not run Gradle."""

from __future__ import annotations

import hashlib
import os
import re

from support import ROOT

DEMO = ROOT / "android_demo"
BUILD_FILES = [
    DEMO / name for name in ("build.gradle", "core/build.gradle", "matting/build.gradle", "app/build.gradle")
]
# The hash that Gradle publishes for the wrapper of 9.4.1. A wrapper starts any version of Gradle.
WRAPPER = "55243ef57851f12b070ad14f7f5bb8302daceeebc5bce5ece5fa6edb23e1145c"


def setting(name: str) -> set[str]:
    """Return the values that a setting has in the build files."""
    pattern = rf"^\s*{name} = '?([^'\s]+)'?"
    return {value for path in BUILD_FILES for value in re.findall(pattern, path.read_text(), re.MULTILINE)}


def test_the_wrapper_is_gradles_own_and_checks_what_it_downloads() -> None:
    folder = DEMO / "gradle" / "wrapper"
    assert hashlib.sha256((folder / "gradle-wrapper.jar").read_bytes()).hexdigest() == WRAPPER
    properties = dict(line.split("=", 1) for line in (folder / "gradle-wrapper.properties").read_text().splitlines())
    assert properties["distributionUrl"].endswith("/gradle-9.5.0-bin.zip")
    assert re.fullmatch("[0-9a-f]{64}", properties["distributionSha256Sum"])
    assert os.access(DEMO / "gradlew", os.X_OK)


def test_all_parts_have_the_same_versions() -> None:
    assert setting("compileSdk") == setting("targetSdk") == {"36"}
    assert setting("minSdk") == {"24"}
    plugins = re.findall(r"version '(\S+)'", (DEMO / "build.gradle").read_text())
    assert len(plugins) == 2
    assert len(set(plugins)) == 1
    litert = [
        re.findall(r"litert(?:-gpu)?:(\d\S+)'", (DEMO / part / "build.gradle").read_text())
        for part in ("matting", "app")
    ]
    assert litert[0] == litert[1]
    assert len(litert[0]) == 1
    annotations = [
        re.findall(r"(\w+) 'androidx\.annotation:annotation:(\d\S+)'", (DEMO / part / "build.gradle").read_text())
        for part in ("core", "matting")
    ]
    assert annotations[0] == annotations[1]
    assert [kind for kind, _ in annotations[0]] == ["compileOnly"]  # an app gets no dependency but LiteRT
