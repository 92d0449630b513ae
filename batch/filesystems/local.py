"""The folders of this machine. Names may hold any bytes, links may lead anywhere, and files appear synced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from mmnet.batch.filesystems.protocol import FileSystem
from mmnet.files import atomic_file, is_temporary, sweep_leftovers
from mmnet.listing import walk


@dataclass(frozen=True)
class LocalFiles:
    """The file system of this machine."""

    takes_any_bytes = True
    _leftovers: set[Path] = field(default_factory=set, compare=False, repr=False)  # folders with temporary files

    def files(self, folder: str, unlisted: dict[str, str] | None = None) -> list[tuple[str, int]]:
        """See `FileSystem`. A folder to which several links lead is listed once."""
        found = []
        for path, status in walk(Path(folder), unlisted):
            if is_temporary(path.name):
                self._leftovers.add(path.parent)
            else:
                found.append((str(path), status.st_size))
        return found

    def size(self, path: str) -> int | None:
        """See `FileSystem`."""
        return Path(path).stat().st_size if Path(path).is_file() else None

    def read(self, path: str) -> bytes:
        """See `FileSystem`."""
        return Path(path).read_bytes()

    def open(self, path: str) -> Any:
        """See `FileSystem`."""
        try:
            return pa.OSFile(path)
        except UnicodeEncodeError:  # Arrow's own files have names in UTF-8
            return Path(path).open("rb")

    @contextmanager
    def whole(self, path: str) -> Iterator[IO[bytes]]:
        """See `FileSystem`."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(target) as temporary, temporary.open("wb") as stream:
            yield stream

    def delete(self, path: str) -> None:
        """See `FileSystem`."""
        Path(path).unlink()

    def sweep(self, folder: str) -> None:
        """See `FileSystem`."""
        for place in self._leftovers:
            sweep_leftovers(place)
        self._leftovers.clear()

    def is_within(self, inner: str, other: FileSystem, outer: str) -> bool:
        """See `FileSystem`."""
        if not isinstance(other, LocalFiles):
            return False
        return f"{os.path.realpath(inner)}/".startswith(f"{os.path.realpath(outer).rstrip('/')}/")
