"""Tests of the app's manifest, layouts and strings, as XML files."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support import ROOT

MAIN = ROOT / "android_demo" / "app" / "src" / "main"
LAYOUTS = sorted((MAIN / "res" / "layout").glob("*.xml"))
TRANSLATIONS = sorted((MAIN / "res").glob("values-*/strings.xml"))
ANDROID = "{http://schemas.android.com/apk/res/android}"


def texts(path: Path) -> dict[str, str]:
    """Return name -> text of the strings that are translated."""
    strings = ElementTree.parse(path).getroot().iter("string")
    return {one.attrib["name"]: one.text or "" for one in strings if one.get("translatable") != "false"}


def test_no_camera_is_required() -> None:
    """The camera permission implies a required rear camera and autofocus, unless the manifest denies it."""
    root = ElementTree.parse(MAIN / "AndroidManifest.xml").getroot()
    features = {one.attrib[f"{ANDROID}name"]: one.attrib[f"{ANDROID}required"] for one in root.iter("uses-feature")}
    names = ("android.hardware.camera", "android.hardware.camera.any", "android.hardware.camera.autofocus")
    assert features == dict.fromkeys(names, "false")


def test_other_apps_start_no_screen_but_the_launcher() -> None:
    """adb's shell holds the permission DUMP: the documented `am start` of the benchmark works."""
    root = ElementTree.parse(MAIN / "AndroidManifest.xml").getroot()
    exported = {
        one.attrib[f"{ANDROID}name"].rsplit(".", 1)[1]: one.get(f"{ANDROID}permission")
        for one in root.iter("activity")
        if one.attrib[f"{ANDROID}exported"] == "true"
    }
    assert exported == {"LiveActivity": None, "BenchmarkActivity": "android.permission.DUMP"}


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.parent.name)
def test_translations_are_complete(path: Path) -> None:
    english, translated = texts(MAIN / "res" / "values" / "strings.xml"), texts(path)
    assert translated.keys() == english.keys()
    for name, text in english.items():
        placeholders = [sorted(re.findall(r"%\d\$[\d.]*[sdf]", one)) for one in (text, translated[name])]
        assert placeholders[0] == placeholders[1], name


def test_there_is_a_translation() -> None:
    assert TRANSLATIONS


@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_layouts_have_their_texts_in_resources(path: Path) -> None:
    for element in ElementTree.parse(path).getroot().iter():
        for attribute in ("text", "contentDescription", "hint"):
            assert element.get(f"{ANDROID}{attribute}", "@string/").startswith("@string/"), element.attrib
        if element.tag.rsplit(".", 1)[-1] in ("ImageView", "MatteView", "ProgressBar"):
            assert element.get(f"{ANDROID}contentDescription"), f"{element.tag} has no description for screen readers"
