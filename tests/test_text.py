"""Text of any origin: shown without commands to a terminal, written as JSON that every reader takes."""

from __future__ import annotations

import json
import os
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet.json_reader import parse_json
from mmnet.text import ascii_json, json_text, one_line, printable

NAMES = st.binary(max_size=20).map(os.fsdecode) | st.text(max_size=20)


@settings(deadline=None)
@given(NAMES)
def test_printable_text_has_no_control_characters_and_can_be_written(name: str) -> None:
    shown = printable(name)
    assert shown.isprintable()
    shown.encode()
    if name.isprintable():
        assert shown == name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("caf\udce9.jpg", r"caf\xe9.jpg"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("two\nlines\t", r"two\nlines\t"),
        ("ein schönes Bild α.jpg", "ein schönes Bild α.jpg"),
    ],
)
def test_what_is_not_printable_becomes_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@settings(deadline=None)
@given(st.dictionaries(NAMES, st.lists(NAMES) | st.floats(allow_nan=False) | st.booleans() | st.none()))
def test_json_text_keeps_every_name_and_no_terminal_executes_it(document: dict[str, object]) -> None:
    for indent in (None, 2):
        text = json_text(document, indent=indent)
        assert text.replace("\n", "").isprintable()
        assert text.encode()
        assert json.loads(text) == document
        assert ascii_json(text).isascii()
        assert json.loads(ascii_json(text)) == document


def test_a_name_comes_back_from_json_byte_for_byte() -> None:
    name = b"caf\xe9 \xff\x1b[2J.jpg"
    text = json_text({"name": os.fsdecode(name)})
    assert os.fsencode(parse_json(text)["name"]) == name


def test_one_line_keeps_the_spaces_of_names() -> None:
    assert one_line("  my  photo.jpg: cannot\n   be read\n\n") == "my  photo.jpg: cannot be read"
    assert one_line("") == ""
    assert sys.getfilesystemencoding() == "utf-8"
