"""The one reader of JSON: what it accepts, and its limits."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT

from mmnet.json_reader import MAX_DEPTH, MAX_TEXT, JsonError, check_members, is_of, parse_json, read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_what_python_writes_comes_back(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse_json(text) == parse_json(text.encode()) == value


@given(st.binary(max_size=200) | st.text(alphabet='[]{}",:\\ud8e10.-"tN ', max_size=60).map(str.encode))
def test_any_bytes_give_a_value_or_the_one_error(data: bytes) -> None:
    with contextlib.suppress(JsonError):
        parse_json(data)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 5000, "nested deeper"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "nested deeper"),
        ("9" * 400, "too large or too long"),
        ("1" + "0" * 30, "too large"),
        ("1e999", "too large"),
        ("0." + "1" * 400, "too long"),
        (r'"\ud800"', "surrogate"),
        ('"\ud800"', "surrogate"),
        (r'{"\udfff": 1}', "surrogate"),
        ('{"a": 1, "a": 2}', "'a' twice|\"a\" twice"),
        ('"' + "x" * (MAX_TEXT + 1) + '"', "more than"),
        (b"\xff\xfe{}", "not UTF-8"),
        ("", "expecting value"),
        ('"\\', "line 1"),
        ("{} {}", "extra data"),
    ],
)
def test_what_is_refused_and_why(text: Any, message: str) -> None:
    with pytest.raises(JsonError, match=message):
        parse_json(text)


def test_names_of_files_that_are_not_utf8_pass() -> None:
    assert parse_json(json.dumps("caf\udce9")) == "caf\udce9"


def test_the_limits_themselves_pass() -> None:
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert parse_json('"[{[{\\"[' + "[" * 5000 + '"')
    assert parse_json(r'"\ud83d\ude00"') == "\N{GRINNING FACE}"
    assert parse_json(b"\xef\xbb\xbf[1]") == [1]
    assert math.isinf(parse_json("Infinity"))


def test_a_text_without_its_end_is_scanned_once() -> None:
    with pytest.raises(JsonError):
        parse_json('"' + r"\"" * 400_000)


def test_only_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(JsonError, match="not a file"):
            read_json(path)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "absent")


@pytest.mark.parametrize(
    ("value", "kind", "good"),
    [
        (True, int, False), (True, float, False), (True, bool, True), (1, bool, False), (1, int, True),
        (1.5, int, False), (1, float, True), (math.nan, float, False), (math.inf, float, False),
        ("1", int, False), (None, str, False), ([], list, True), ({}, dict, True),
    ],
)  # fmt: skip
def test_types(value: Any, kind: type, good: bool) -> None:
    assert is_of(value, kind) is good
    if good:
        check_members({"a": value}, {"a": kind})
    else:
        with pytest.raises(JsonError, match=r"'a' is .*; it has to be"):
            check_members({"a": value}, {"a": kind})
    with pytest.raises(JsonError, match="'a' is missing"):
        check_members({}, {"a": kind})


def test_nothing_else_reads_json() -> None:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "*.py"], capture_output=True, text=True, check=False)
    others = [name for name in listed.stdout.split() if not name.startswith(("tests/", "tools/"))]
    direct = re.compile(r"\bjson\.loads?\(")
    found = [name for name in others if direct.search((ROOT / name).read_text()) and name != "src/mmnet/json_reader.py"]
    assert not found
