"""Results as JSON text and files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mmnet.files import atomic_file, check_writable


def json_text(document: dict[str, Any]) -> str:
    """Return a document of plain JSON values as text."""
    return json.dumps(document, indent=1, ensure_ascii=False)


def save_text(path: str | os.PathLike[str], text: str, *, force: bool = False) -> None:
    """Write a text file in UTF-8, whole or not at all.

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
    with atomic_file(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
