"""Listing of folders: the files of some extensions, and a count of everything that was left out.

Folders below a folder are listed once each, however many symbolic links lead to them, so that no loop of links has an
end without being noticed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmnet.failures import note


@dataclass(frozen=True)
class LeftOut:
    """The entries of a folder that a listing leaves out.

    Attributes:
        extensions: extension in lower case -> number of files; "" counts those without one.
        folders: the number of folders that were not entered.
        hidden: the number of files whose extension is wanted, but whose name begins with a dot.
        links: the number of links to folders that are listed already.
        others: the number of entries that are neither files nor folders: links to nothing, pipes, devices.
        results: the number of files that are named like results of other files of the folder.
        unlisted: folder -> why it cannot be listed.
    """

    extensions: Mapping[str, int] = field(default_factory=dict)
    folders: int = 0
    hidden: int = 0
    links: int = 0
    others: int = 0
    results: int = 0
    unlisted: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        numbers = (self.folders, self.hidden, self.links, self.others, self.results)
        return any((self.extensions, *numbers, self.unlisted))

    def __str__(self) -> str:
        named = sorted(self.extensions.items(), key=lambda item: (-item[1], item[0]))
        parts = [f"{count} {extension or 'without an extension'}" for extension, count in named]
        parts += [f"{_counted(self.folders, 'folder')}"] if self.folders else []
        parts += [f"{_counted(self.hidden, 'hidden file')}"] if self.hidden else []
        parts += [f"{_counted(self.links, 'link')} to folders that are listed already"] if self.links else []
        parts += [f"{_counted(self.others, 'entry', 'entries')} that are no files"] if self.others else []
        parts += [f"{_counted(self.results, 'result')} of an earlier run"] if self.results else []
        parts += [f"{folder} ({reason})" for folder, reason in self.unlisted.items()]
        return ", ".join(parts)

    def __add__(self, other: LeftOut) -> LeftOut:
        return LeftOut(
            Counter(self.extensions) + Counter(other.extensions),
            self.folders + other.folders,
            self.hidden + other.hidden,
            self.links + other.links,
            self.others + other.others,
            self.results + other.results,
            {**self.unlisted, **other.unlisted},
        )

    def document(self) -> dict[str, Any]:
        """Return the counts as plain JSON values."""
        return {
            "extensions": dict(sorted(self.extensions.items())),
            "folders": self.folders,
            "hidden": self.hidden,
            "links": self.links,
            "others": self.others,
            "results": self.results,
            "unlisted": dict(self.unlisted),
        }


@dataclass(frozen=True)
class Listing:
    """The files of a folder that have one of some extensions.

    Attributes:
        files: sorted by their path.
        left_out: everything else.
    """

    files: tuple[Path, ...]
    left_out: LeftOut


@dataclass
class _Count:
    """A `LeftOut` that is being counted."""

    extensions: Counter[str] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)
    unlisted: dict[str, str] = field(default_factory=dict)

    def left_out(self) -> LeftOut:
        return LeftOut(dict(self.extensions), **self.numbers, unlisted=self.unlisted)


def list_folder(
    folder: Path, extensions: Collection[str], *, recursive: bool = False, skip: Collection[Path] = ()
) -> Listing:
    """List the files of a folder that have one of some extensions, without hidden ones.

    Args:
        folder: the folder.
        extensions: in lower case, each with its dot.
        recursive: whether the files of all folders below it are listed, too, without those of hidden folders.
        skip: folders that are not entered, and not counted.

    Raises:
        OSError: the folder cannot be listed. A folder below it that cannot be listed is among what was left out.
    """
    count = _Count()
    skipped = {identity for path in skip if (identity := _identity(path)) is not None}
    files = []
    for path, entry in _entries(folder, recursive, skipped, count):
        extension = path.suffix.lower()
        if not _is_file(entry):
            count.numbers["others"] += 1
        elif path.name.startswith("."):
            count.numbers["hidden"] += extension in extensions
        elif extension in extensions:
            files.append(path)
        else:
            count.extensions[extension] += 1
    return Listing(tuple(sorted(files)), count.left_out())


def no_folder_text(path: Path, fix: str) -> str:
    """Return the message about a path that should be a folder, but is a file or nothing.

    Args:
        path: the path.
        fix: what to do, for example "name a folder of photos".
    """
    return f"{path}: {'is a file' if path.exists() else 'no such folder'}; {fix}"


def walk(folder: Path, unlisted: dict[str, str] | None = None) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield every file below a folder, hidden ones too, with its status, in no order.

    Args:
        folder: the folder; where it does not exist, it has no files.
        unlisted: takes the folders below it that cannot be listed, and why; None raises the exception instead.

    Raises:
        OSError: the folder cannot be listed.
    """
    count = _Count()
    try:
        for path, entry in _entries(folder, True, set(), count, hidden=True):
            try:
                status = entry.stat()
            except OSError:  # a link to nothing, or a file that was removed in this moment
                continue
            if _is_file(entry):
                yield path, status
    except FileNotFoundError:
        if folder.exists():
            raise
    if count.unlisted and unlisted is None:
        name, reason = next(iter(count.unlisted.items()))
        raise OSError(None, f"{name}: {reason}")
    if unlisted is not None:
        unlisted.update(count.unlisted)


def note_left_out(folder: object, left_out: LeftOut, hint: str = "", missing: str = "") -> None:
    """Log what was left out of a folder, if anything was.

    Args:
        folder: the folder, for the message.
        left_out: what was left out of it.
        hint: what takes in the folders of it, for example "--recursive takes the folders".
        missing: what takes in more of its files, for example "the extra photos reads .heic".
    """
    if left_out:
        hints = [hint if left_out.folders else "", missing]
        note("; ".join([f"{folder}: left out {left_out}", *filter(None, hints)]))


def _entries(
    root: Path, recursive: bool, skipped: set[tuple[int, int]], count: _Count, *, hidden: bool = False
) -> Iterator[tuple[Path, os.DirEntry[str]]]:
    """Yield all entries that are not folders; folders are entered or counted.

    Links to folders come after all real folders, so that a file has its real path wherever there is one below the root.
    """
    seen = set(skipped)
    pending: list[Path] = [root]
    links: list[Path] = []
    while pending or links:
        is_link = not pending
        folder = links.pop(0) if is_link else pending.pop(0)
        identity = _identity(folder)
        if identity in seen and folder is not root:
            count.numbers["links"] += is_link
            continue
        if identity is not None:
            seen.add(identity)
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if folder is root:
                raise
            count.unlisted[str(folder)] = error.strerror or str(error)
            continue
        for entry in found:
            path = Path(entry.path)
            if not _is_folder(entry):
                yield path, entry
            elif recursive and (hidden or not entry.name.startswith(".")):
                (links if entry.is_symlink() else pending).append(path)
            elif not entry.name.startswith(".") and _identity(path) not in skipped:
                count.numbers["folders"] += 1


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
