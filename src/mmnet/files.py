"""Files that are written whole or not at all: under a temporary name in the same folder, then renamed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmnet.errors import OutputError, OutputExistsError


def check_writable(path: Path, *, force: bool, folder: bool = False) -> None:
    """Raise if an output cannot be written. Called before the work, so that the work is not lost.

    Args:
        path: the output.
        force: whether an existing output may be replaced.
        folder: whether the output is a folder, not a file.

    Raises:
        OutputExistsError: `path` exists and `force` is false.
        OutputError: the parent folder does not exist or is not writable, or `path` is of another kind: a folder instead
            of a file or the other way round, a device, or a pipe.
    """
    _check_kind(path, folder=folder)
    if path.exists() and not force:
        raise OutputExistsError(f"{path}: exists already; add --force to replace it, or name another file with -o")
    parent = path.parent
    if not parent.is_dir():
        raise OutputError(f"{path}: the folder {parent} does not exist; create it first")
    if not os.access(parent, os.W_OK):
        raise OutputError(f"{path}: the folder {parent} is not writable")


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents, unless they exist.

    Raises:
        OutputError: the folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created: {error.strerror}") from error


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`. On success it is renamed to `path`; after an exception it is removed.

    Raises:
        OutputError: the file system refuses the file (full disk, permissions), or `path` is a device, a pipe or a
            folder. No file is left behind.
    """
    _check_kind(path, folder=False)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
    temporary = Path(name)
    os.close(handle)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`. On success it replaces `path`; after an exception it is removed.

    Raises:
        OutputError: the file system refuses the folder. An earlier folder at `path` stays.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
    old = temporary.with_name(temporary.name + ".old")
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if path.exists():
            path.rename(old)
        temporary.rename(path)
    except OSError as error:
        if old.exists() and not path.exists():
            old.rename(path)
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _check_kind(path: Path, *, folder: bool) -> None:
    """Raise where a rename would replace something of another kind, such as /dev/null for the whole machine."""
    kind, other = ("folder", "file") if folder else ("file", "folder")
    if path.is_file() if folder else path.is_dir():
        raise OutputError(f"{path}: is a {other}; name a {kind}")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OutputError(f"{path}: is a device or a pipe, which a rename would replace; name a {kind}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
