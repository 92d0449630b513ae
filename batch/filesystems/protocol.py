"""The interface of file systems."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import IO, Any, Protocol


class FileSystem(Protocol):
    """A file system, whose paths are texts with slashes. It can be sent to other processes.

    Attributes:
        takes_any_bytes: whether names need not be UTF-8.
    """

    takes_any_bytes: bool

    def files(self, folder: str, unlisted: dict[str, str] | None = None) -> list[tuple[str, int]]:
        """Return path and size of every file below a folder, in no order; none where there is no such folder.

        Args:
            folder: the folder.
            unlisted: takes the folders below it that cannot be listed, and why; None raises the exception instead.
        """
        ...

    def size(self, path: str) -> int | None:
        """Return the size of a file in bytes; None where there is no file."""
        ...

    def read(self, path: str) -> bytes:
        """Read a whole file."""
        ...

    def open(self, path: str) -> Any:
        """Open a file for reading at any position, as Arrow takes it; a context manager."""
        ...

    def whole(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Return a context that yields a stream to write to. The file appears at its end, unless it raised."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file.

        Raises:
            FileNotFoundError: there is none.
        """
        ...

    def sweep(self, folder: str) -> None:
        """Remove the temporary files of writers that were killed, below a folder whose files were listed."""
        ...

    def is_within(self, inner: str, other: FileSystem, outer: str) -> bool:
        """Whether a path is, or lies below, a path of another file system."""
        ...
