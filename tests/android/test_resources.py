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
CODE = MAIN / "java" / "ai" / "mmnet" / "demo"
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


def test_other_apps_start_only_the_launcher_and_share_photos() -> None:
    """adb's shell holds the permission DUMP: the documented `am start` of the benchmark works."""
    root = ElementTree.parse(MAIN / "AndroidManifest.xml").getroot()
    exported = {
        one.attrib[f"{ANDROID}name"].rsplit(".", 1)[1]: one.get(f"{ANDROID}permission")
        for one in root.iter("activity")
        if one.attrib[f"{ANDROID}exported"] == "true"
    }
    assert exported == {"LiveActivity": None, "PhotoActivity": None, "BenchmarkActivity": "android.permission.DUMP"}
    actions = {one.attrib[f"{ANDROID}name"].rsplit(".", 1)[1] for one in root.iter("action")}
    assert actions == {"MAIN", "SEND"}
    (provider,) = root.iter("provider")
    assert provider.attrib[f"{ANDROID}exported"] == "false"
    assert f'"{provider.attrib[f"{ANDROID}authorities"]}"' in (CODE / "SharedFiles.java").read_text()


def test_the_app_is_drawn_from_edge_to_edge_and_knows_its_languages() -> None:
    """From SDK 35 on, Android draws every app under the bars; each screen has to keep clear of them."""
    for activity in CODE.glob("*Activity.java"):
        assert "ScreenEdges.pad(this)" in activity.read_text(), activity.name
    application = next(ElementTree.parse(MAIN / "AndroidManifest.xml").getroot().iter("application"))
    assert application.attrib[f"{ANDROID}enableOnBackInvokedCallback"] == "true"
    locales = ElementTree.parse(MAIN / "res" / "xml" / "locales.xml").getroot()
    named = {one.attrib[f"{ANDROID}name"] for one in locales}
    assert named == {"en"} | {path.parent.name.removeprefix("values-") for path in TRANSLATIONS}


def test_the_icon_is_adaptive_and_themed() -> None:
    icon = ElementTree.parse(MAIN / "res" / "drawable-anydpi-v26" / "icon.xml").getroot()
    assert icon.tag == "adaptive-icon"
    assert {one.tag for one in icon} == {"background", "foreground", "monochrome"}


@pytest.mark.parametrize("path", LAYOUTS, ids=lambda path: path.stem)
def test_large_fonts_find_room(path: Path) -> None:
    """Bars of buttons scroll sideways, and no text is cut to a number of lines."""
    root = ElementTree.parse(path).getroot()
    parents = {child: parent for parent in root.iter() for child in parent}
    for element in root.iter():
        assert not element.get(f"{ANDROID}maxLines"), element.attrib
        if element.get("style") == "@style/BarButton":
            assert parents[parents[element]].tag == "HorizontalScrollView"
        size = element.get(f"{ANDROID}textSize", "14sp")
        assert size.endswith("sp"), element.attrib


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
