"""Docstrings begin with what the thing is or does; retired words stay retired."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest
from support import ROOT

# Prepositions and pronouns, with which no docstring may begin.
OPENINGS = {
    "as", "at", "because", "between", "but", "by", "for", "from", "here", "how", "if", "in", "into", "it", "its", "of",
    "on", "that", "their", "they", "these", "those", "to", "under", "up", "upon", "what", "where",
    "which", "while", "who", "with", "within",
}  # fmt: skip
# Words that the glossary replaced: pattern, and what to say.
RETIRED = {
    r"\bpictures?\b": "image",
    r"\bsteadi(er|ed|es)\b": "temporal smoothing",
    r"\bunfold(s|ed|ing)?\b": "invert",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\b(a|one) (scale|range) a channel\b": "one per channel",
    r"\b(that|which) there (is|are) not\b": "unknown",
}
# Texts that go into exported files, whose bytes do not change.
KEPT = {("quantize/precision.py", "a scale a channel")}
SOURCES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "*.py"], capture_output=True, text=True, check=False
    ).stdout.split()
    if not name.startswith("tests/")
)


@pytest.mark.skipif(not SOURCES, reason="git lists no sources: this is not a clone")
def test_there_are_sources() -> None:
    assert ROOT / "runtime" / "matter.py" in SOURCES


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_docstrings_begin_with_what_the_thing_is(path: Path) -> None:
    wrong = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            first = re.match(r"[\w'-]+", ast.get_docstring(node) or "")
            if first and first.group().lower() in OPENINGS:
                wrong.append(f"line {getattr(node, 'lineno', 1)}: {(ast.get_docstring(node) or '').splitlines()[0]}")
    assert not wrong


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_retired_words(path: Path) -> None:
    text = path.read_text()
    found = {match.group(): say for word, say in RETIRED.items() for match in re.finditer(word, text, re.IGNORECASE)}
    kept = {words for name, words in KEPT if name == str(path.relative_to(ROOT))}
    assert not found.keys() - kept, found
