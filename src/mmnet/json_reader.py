"""The one reader of JSON: text, files and lines from other processes, with limits that no document of ours reaches.

Python's own reader raises RecursionError for text that is nested deep, takes numbers of any length, and gives lone
surrogates, which no file name and no terminal can hold. This one raises one exception for whatever is wrong.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from stat import S_ISREG
from typing import Any, NoReturn

from mmnet.errors import MMNetError

MAX_BYTES = 1 << 26
MAX_DEPTH = 128
MAX_DIGITS = 40
MAX_TEXT = 1 << 20  # characters of one text

# Texts, and what begins or ends a level outside of them. A text without its end is matched too: it is scanned once.
_TEXT_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_KINDS: dict[type, str] = {
    bool: "true or false",
    dict: "a mapping",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "text",
}


class JsonError(MMNetError, ValueError):
    """Text that is not JSON, or JSON beyond the limits of this module."""


def parse_json(text: bytes | str) -> Any:
    """Return the value of a JSON text.

    Numbers are at most `MAX_DIGITS` characters long; whole ones fit into 64 bits. As Python writes them, the words NaN,
    Infinity and -Infinity are accepted. So are the escapes \\udc80 to \\udcff, with which Python writes the bytes of
    file names that are not UTF-8.

    Args:
        text: text, or its bytes in UTF-8.

    Raises:
        JsonError: it is not UTF-8, not JSON, longer than `MAX_BYTES`, nested deeper than `MAX_DEPTH`, or holds a number
            that is too large, a text longer than `MAX_TEXT`, half of a surrogate pair, or a name twice. The message
            names no file.
    """
    if len(text) > MAX_BYTES:
        raise JsonError(f"it has {len(text):,} bytes; at most {MAX_BYTES:,} are read")
    try:
        decoded = (text.encode() if isinstance(text, str) else text).decode("utf-8-sig")
        _check_depth(decoded)
        return json.loads(decoded, object_pairs_hook=_mapping, parse_int=_whole, parse_float=_number)
    except UnicodeEncodeError as error:
        raise JsonError("it holds half of a surrogate pair") from error
    except UnicodeDecodeError as error:
        raise JsonError(f"it is not UTF-8 text (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise JsonError(f"{error.msg[:1].lower()}{error.msg[1:]}, line {error.lineno} column {error.colno}") from error
    except RecursionError as error:
        raise JsonError("it is nested too deep") from error


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        OSError: it does not exist or cannot be read.
        JsonError: it is not a regular file, or as `parse_json`. The message names no file.
    """
    status = path.stat()
    if not S_ISREG(status.st_mode):
        raise JsonError("it is not a file")
    if status.st_size > MAX_BYTES:
        raise JsonError(f"it has {status.st_size:,} bytes; at most {MAX_BYTES:,} are read")
    return parse_json(path.read_bytes())


def check_members(document: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    """Check that a mapping has members of these types.

    Args:
        document: the mapping; it may have further members.
        kinds: name -> bool, int, float (any finite number), str, list or dict. True and False are not numbers.

    Raises:
        JsonError: a member is missing or of another type; names the first.
    """
    for name, kind in kinds.items():
        if name not in document:
            raise JsonError(f"{name!r} is missing; it has to be {_KINDS[kind]}")
        if not is_of(document[name], kind):
            raise JsonError(f"{name!r} is {shown(document[name])}; it has to be {_KINDS[kind]}")


def is_of(value: object, kind: type) -> bool:
    """Whether a JSON value is of a type: bool, int, float (any finite number), str, list or dict."""
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(value, kind)


def shown(value: object) -> str:
    """Return the beginning of a JSON value as text, for messages."""
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _check_depth(text: str) -> None:
    depth = 0
    for match in _TEXT_OR_BRACKET.finditer(text):
        found = match[0]
        if found in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise JsonError(f"it is nested deeper than {MAX_DEPTH} levels")
        elif found in "]}":
            depth -= 1
        elif len(found) > MAX_TEXT:
            raise JsonError(f"it holds a text of more than {MAX_TEXT:,} characters")
        elif _SURROGATE.search(found):
            _check_surrogates(found)


def _check_surrogates(quoted: str) -> None:
    try:
        json.loads(quoted, strict=False).encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise JsonError(f"it holds half of a surrogate pair: {quoted[:40]}") from error
    except json.JSONDecodeError:
        return  # not a text of JSON; parsing reports where


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise JsonError(f"it holds the name {shown(twice)} twice")
    return mapping


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS or not -(1 << 63) <= (value := int(digits)) < 1 << 63:
        _refuse(digits)
    return value


def _number(digits: str) -> float:
    if len(digits) > MAX_DIGITS or math.isinf(value := float(digits)):
        _refuse(digits)
    return value


def _refuse(digits: str) -> NoReturn:
    raise JsonError(f"it holds a number that is too large or too long: {digits[:20]}...")
