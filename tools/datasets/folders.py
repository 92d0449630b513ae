"""The folder that a script of this directory fills."""

from __future__ import annotations

from pathlib import Path

from mmnet.errors import MMNetError


def require_empty(folder: Path, error: type[MMNetError] = MMNetError) -> None:
    """Raise an error if a folder holds something, or is a file; it need not exist.

    Args:
        folder: the folder to fill.
        error: the type to raise.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise error(f"{folder}: not an empty folder; name a new one")
