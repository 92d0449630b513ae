"""Files and folders that appear whole or not at all, and stay: written under another name, synced, then renamed.

The temporary names are short, so a file may have the longest name that its file system takes. A writer holds a lock on
what it writes. What a killed writer left behind has no lock, and the next writer in that folder removes it.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mmnet.errors import MMNetError, OutputError, OutputExistsError
from mmnet.locks import hold, is_abandoned

_PREFIX = ".mmnet-"  # of temporary files and folders beside what they become
_ASIDE_PREFIX = f"{_PREFIX}aside-"  # of folders that hold a folder while another takes its name
_SHARED_PREFIX = "mmnet-tmp-"  # of temporary folders in the system's folder for them
_REST_OF_NAME = r"(?:aside-)?[0-9a-f]{8}(?:\..*)?"
_SUFFIX_BYTES = 16  # a longer extension is no format, and temporary files go without it
_NAME_MAX = 255
_LITTLE_SPACE = 1 << 20  # bytes
_ATTEMPTS = 100  # to give a folder its name, while others write it, too
_swept: set[tuple[int, int]] = set()  # device and inode of folders that this process has swept


def check_writable(path: Path, *, force: bool, folder: bool = False) -> None:
    """Raise if an output cannot be written. Called before the work, so that the work is not lost.

    Args:
        path: the output.
        force: whether an existing output may be replaced.
        folder: whether the output is a folder, not a file. The folders above it are made with it.

    Raises:
        OutputExistsError: `path` exists and `force` is false.
        OutputError: the parent folder of a file does not exist or is not writable, or `path` is of another kind: a
            folder instead of a file or the other way round, a device, or a pipe; or its name is too long.
    """
    check_name(path)
    _check_kind(path, folder=folder)
    if path.exists() and not force:
        raise _exists(path)
    parent = path.parent
    while folder and not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        if parent.exists():
            raise OutputError(f"{path}: {parent} is a file; name another folder")
        raise OutputError(f"{path}: the folder {parent} does not exist; create it first")
    if not os.access(parent, os.W_OK):
        raise OutputError(f"{path}: the folder {parent} is not writable")


def check_name(path: Path) -> None:
    """Raise if no file can have the name of an output.

    Raises:
        OutputError: the name is longer than file systems take.
    """
    length = len(os.fsencode(path.name))
    if length > _NAME_MAX:
        raise OutputError(f"{path}: its name has {length} bytes; a file's name has at most {_NAME_MAX}: shorten it")


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
def atomic_file(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`. On success it is renamed to `path`; after an exception it is removed.

    The content is on the disk before it gets its name, so that no crash of the machine leaves an incomplete file.

    Args:
        path: the file.
        replace: whether a file of that name is replaced. Of several writers that may not, exactly one succeeds.

    Raises:
        OutputError: the file system refuses the file (full disk, permissions), or `path` is a device, a pipe or a
            folder. No file is left behind.
        OutputExistsError: there is a file of that name, and it may not be replaced.
    """
    with _refusals_of(path):
        check_name(path)
        _check_kind(path, folder=False)
        _sweep_once(path.parent)
        suffix = path.suffix if len(os.fsencode(path.suffix)) <= _SUFFIX_BYTES else ""
        temporary, release = _reserve(path.parent, _PREFIX, suffix, folder=False)
    try:
        with _refusals_of(path):
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            if not _is_within_temporary(path):
                _sync(temporary)
            _publish_file(temporary, path, replace=replace)
            if not _is_within_temporary(path):
                _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
        release()


@contextmanager
def atomic_folder(path: Path, *, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary folder beside `path`. On success it replaces `path`; after an exception it is removed.

    Args:
        path: the folder; its parents are created.
        replace: whether a folder of that name is replaced. Of several writers that may not, exactly one succeeds.

    Raises:
        OutputError: the file system refuses the folder. An earlier folder at `path` stays.
        OutputExistsError: there is a folder of that name with files in it, and it may not be replaced.
    """
    with _refusals_of(path):
        check_name(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep_once(path.parent)
        temporary, release = _reserve(path.parent, _PREFIX, "", folder=True)
    try:
        with _refusals_of(path):
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            _sync_tree(temporary)
            _publish_folder(temporary, path, replace=replace)
            _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        release()


@contextmanager
def temporary_folder(*, short: bool = False) -> Iterator[Path]:
    """Yield a new folder for temporary files, which only this user can read. It is removed at the end.

    Folders of processes that were killed are removed, too.

    Args:
        short: whether its path must be short, as for sockets; then it is in /tmp, whatever TMPDIR says.

    Raises:
        OutputError: it cannot be created, or its file system is full at an exception.
    """
    parent = Path("/tmp") if short and Path("/tmp").is_dir() else Path(tempfile.gettempdir())
    with _refusals_of(parent):
        _sweep_once(parent, _SHARED_PREFIX)
        folder, release = _reserve(parent, _SHARED_PREFIX, "", folder=True)
    try:
        yield folder
    except MMNetError:
        raise
    except Exception as error:
        if _is_full(folder, error):
            fix = "free some, or name another folder with the variable TMPDIR"
            raise OutputError(f"{parent}: has no space left for temporary files; {fix}") from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        release()


def is_temporary(name: str) -> bool:
    """Whether a name is that of a temporary file or folder beside what it becomes."""
    return re.fullmatch(re.escape(_PREFIX) + _REST_OF_NAME, name) is not None


def sweep_leftovers(folder: Path, prefix: str = _PREFIX) -> None:
    """Remove the temporary files and folders that killed writers left in a folder.

    A folder that a killed writer was about to replace gets its name back.

    Args:
        folder: the folder; where it cannot be listed, nothing happens.
        prefix: of the names of temporary files and folders.
    """
    name = re.compile(re.escape(prefix) + _REST_OF_NAME)
    try:
        with os.scandir(folder) as entries:
            leftovers = [Path(entry.path) for entry in entries if name.fullmatch(entry.name)]
    except OSError:
        return
    for leftover in leftovers:
        with is_abandoned(leftover) as abandoned:
            if abandoned:
                _remove(leftover)


def _remove(leftover: Path) -> None:
    """Remove a temporary file or folder, and give a folder that was set aside in it its place again."""
    with suppress(OSError):
        if not leftover.is_dir() or leftover.is_symlink():
            leftover.unlink()
            return
        if leftover.name.startswith(_ASIDE_PREFIX):
            for old in leftover.iterdir():
                if not (leftover.parent / old.name).exists():
                    old.rename(leftover.parent / old.name)
        shutil.rmtree(leftover, ignore_errors=True)


def _sweep_once(folder: Path, prefix: str = _PREFIX) -> None:
    """Sweep a folder unless this process has done so: a folder of many outputs is listed once."""
    if _is_within_temporary(folder / "file"):
        return
    status = folder.stat()
    if (status.st_dev, status.st_ino) not in _swept:
        _swept.add((status.st_dev, status.st_ino))
        sweep_leftovers(folder, prefix)


def _reserve(parent: Path, prefix: str, suffix: str, *, folder: bool) -> tuple[Path, Callable[[], None]]:
    """Create a temporary file or folder that no other process takes or sweeps; return it, and what ends that."""
    while True:
        path = parent / f"{prefix}{uuid.uuid4().hex[:8]}{suffix}"
        try:
            if folder:
                path.mkdir(0o700)
            else:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            continue
        release = hold(path)
        if release is not None:
            return path, release


def _publish_file(temporary: Path, path: Path, *, replace: bool) -> None:
    """Give a file its name."""
    if replace:
        temporary.replace(path)
        return
    try:
        os.link(temporary, path)  # unlike a rename, it fails where the name is taken
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError:  # a file system without hard links
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError as error:
            raise _exists(path) from error
        temporary.replace(path)


def _publish_folder(temporary: Path, path: Path, *, replace: bool) -> None:
    """Give a folder its name. The folder that it replaces is set aside in a folder of its own, and then removed."""
    for _ in range(_ATTEMPTS):
        if replace and path.exists():
            if _swap(temporary, path):
                return
            continue
        try:
            temporary.rename(path)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
            if not replace:
                raise _exists(path) from error
        else:
            return
    raise OutputError(f"{path}: other processes write it, too; name another folder")


def _swap(temporary: Path, path: Path) -> bool:
    """Put a folder in the place of another; return false where another process did so in the same moment."""
    keeper, release = _reserve(path.parent, _ASIDE_PREFIX, "", folder=True)
    try:
        old = keeper / path.name
        try:
            path.rename(old)
        except FileNotFoundError:
            return False
        try:
            temporary.rename(path)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                return False
            old.rename(path)
            raise
        return True
    finally:
        shutil.rmtree(keeper, ignore_errors=True)
        release()


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk, where the file system knows how."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # a folder, on Windows
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES):
            raise
    finally:
        os.close(handle)


def _sync_tree(folder: Path) -> None:
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            if not (file := Path(place, name)).is_symlink():
                _sync(file)
        _sync(Path(place))


def _is_within_temporary(path: Path) -> bool:
    """Whether a file is part of a temporary folder, which is synced and published as a whole."""
    return any(part.startswith((_PREFIX, _SHARED_PREFIX)) for part in path.parent.parts)


@contextmanager
def _refusals_of(path: Path) -> Iterator[None]:
    """Raise what the file system refuses as an `OutputError` that names the output."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _check_kind(path: Path, *, folder: bool) -> None:
    """Raise where a rename would replace something of another kind, such as /dev/null for the whole machine."""
    kind, other = ("folder", "file") if folder else ("file", "folder")
    if path.is_file() if folder else path.is_dir():
        raise OutputError(f"{path}: is a {other}; name a {kind}")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OutputError(f"{path}: is a device or a pipe, which a rename would replace; name a {kind}")


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError(f"{path}: exists already; give force=True to replace it, or name another file")


def _is_full(folder: Path, error: Exception) -> bool:
    """Whether an exception comes from a full file system; the libraries in C++ raise exceptions of other types."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return shutil.disk_usage(folder).free < _LITTLE_SPACE


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
