"""A Griffe extension: `width, height: the size` in a docstring documents each of the two names."""

from __future__ import annotations

import re
from typing import Any

import griffe

# In the sections Args and Attributes: names at four spaces, and lines that continue the text at more.
_SECTION = re.compile(r"^(?:Args|Attributes):\n(?: {4}.*(?:\n|$))*", re.MULTILINE)
_GROUPED = re.compile(r"^ {4}(?P<names>\w+(?:, \w+)+):(?P<text>.*(?:\n {5,}.*)*)", re.MULTILINE)


class SplitNames(griffe.Extension):
    """Splits entries with several names into one entry per name, which is what the docstring parser understands."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of an object that was loaded."""
        if obj.docstring is not None:
            obj.docstring.value = split_names(obj.docstring.value)


def split_names(docstring: str) -> str:
    """Return a docstring with one entry per name.

    Args:
        docstring: A docstring in Google style, without the indentation of the code.
    """
    return _SECTION.sub(lambda section: _GROUPED.sub(_one_by_one, section[0]), docstring)


def _one_by_one(entry: re.Match[str]) -> str:
    return "\n".join(f"    {name}:{entry['text']}" for name in entry["names"].split(", "))
