"""Text that is safe to show or to write: names of files may hold any bytes, also commands to a terminal.

Python keeps the bytes of a name that are no UTF-8 as lone surrogates (U+DC80 to U+DCFF, `os.fsdecode`). They cannot be
written as UTF-8. A name may also hold control characters, which a terminal executes.
"""

from __future__ import annotations

import json
import re
from typing import Any

_UNPRINTABLE_ASCII = re.compile(r"[^\x20-\x7e]")


def printable(text: str, keep: str = "") -> str:
    r"""Return a text without control characters, invisible characters and lone surrogates.

    Each of them is replaced by its escape: `\x1b`, `\u202e`; a byte that is no UTF-8 becomes `\xe9`.

    Args:
        text: any text.
        keep: characters that stay, such as a line feed.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else _escape(char) for char in text)


def one_line(text: str) -> str:
    """Return a text as one line: its lines stripped and joined by spaces. Other spaces stay, since names have them."""
    return " ".join(line.strip() for line in text.splitlines() if line.strip())


def json_text(document: Any, indent: int | None = 1) -> str:
    r"""Return plain JSON values as text that every encoding of Unicode can hold and that no terminal executes.

    Characters that are not printable are escaped (`\u001b`). A byte of a name that is no UTF-8 is a lone surrogate
    (`\udce9`), from which `os.fsencode` gives the byte again.

    Args:
        document: dictionaries, lists, texts, numbers, booleans and None.
        indent: spaces per level; None writes one line.
    """
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def ascii_json(text: str) -> str:
    """Return JSON text in ASCII alone, for an encoding that lacks some of its characters."""
    return _UNPRINTABLE_ASCII.sub(lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text)


def _escape(char: str) -> str:
    number = ord(char)
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a name that is no UTF-8
        return f"\\x{number - 0xDC00:02x}"
    if number < 0x100:
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char, f"\\x{number:02x}")
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
