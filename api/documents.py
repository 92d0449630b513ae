"""Results as JSON text and files."""

from __future__ import annotations

import os
from pathlib import Path

from mmnet.files import atomic_file, check_writable
from mmnet.text import json_text

__all__ = ["json_text", "save_text"]


def save_text(path: str | os.PathLike[str], text: str, *, force: bool = False) -> None:
    """Write a text file in UTF-8, whole or not at all. Bytes of names that are no UTF-8 are written as escapes.

    Args:
        path: the file to write.
        text: its content.
        force: whether an existing file is replaced.

    Raises:
        OutputExistsError: the file exists and `force` is false.
        OutputError: the file cannot be written.
    """
    target = Path(path)
    check_writable(target, force=force)
    with atomic_file(target, replace=force) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
