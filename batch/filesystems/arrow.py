"""Object stores, and everything else that Arrow or fsspec opens."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

import pyarrow.fs

from mmnet.batch.filesystems.protocol import FileSystem
from mmnet.batch.options import RECORDS

_TEMPORARY = f"{RECORDS}/tmp"  # below the folder whose files are written
# In these a file appears whole when it is closed. Elsewhere it is written under another name, then renamed.
_OBJECT_STORES = frozenset({"s3", "gcs", "abfs"})
_FSSPEC_OBJECT_STORES = frozenset({"s3", "s3a", "gcs", "gs", "abfs", "abfss", "az", "oss", "oci"})


@dataclass(frozen=True)
class ArrowFiles:
    """A file system of Arrow.

    Attributes:
        filesystem: an Arrow `FileSystem`.
        root: the folder below which temporary files are written.
    """

    filesystem: Any
    root: str
    _folders: set[str] = field(default_factory=set, compare=False, repr=False)

    takes_any_bytes = False

    def files(self, folder: str, unlisted: dict[str, str] | None = None) -> list[tuple[str, int]]:
        """See `FileSystem`."""
        selector = pyarrow.fs.FileSelector(folder, recursive=True, allow_not_found=True)
        infos = self.filesystem.get_file_info(selector)
        return [(info.path, info.size or 0) for info in infos if info.type == pyarrow.fs.FileType.File]

    def size(self, path: str) -> int | None:
        """See `FileSystem`."""
        info = self.filesystem.get_file_info(path)
        return (info.size or 0) if info.type == pyarrow.fs.FileType.File else None

    def read(self, path: str) -> bytes:
        """See `FileSystem`."""
        with self.filesystem.open_input_stream(path) as stream:
            return bytes(stream.read())

    def open(self, path: str) -> Any:
        """See `FileSystem`."""
        return self.filesystem.open_input_file(path)

    @contextmanager
    def whole(self, path: str) -> Iterator[IO[bytes]]:
        """See `FileSystem`."""
        if self._puts_whole_files():
            # Without a with block: it would close the stream after an error, and so publish an incomplete file.
            stream = self.filesystem.open_output_stream(path)
            yield stream
            stream.close()
            return
        temporary = f"{self._below(_TEMPORARY)}/{uuid.uuid4().hex}"
        self._make_folder(path)
        self._make_folder(temporary)
        try:
            with self.filesystem.open_output_stream(temporary) as stream:
                yield stream
            self.filesystem.move(temporary, path)
        except BaseException:
            if self.size(temporary) is not None:
                self.filesystem.delete_file(temporary)
            raise

    def delete(self, path: str) -> None:
        """See `FileSystem`."""
        self.filesystem.delete_file(path)

    def sweep(self, folder: str) -> None:
        """See `FileSystem`."""
        for path, _ in self.files(self._below(_TEMPORARY)):
            self.filesystem.delete_file(path)

    def is_within(self, inner: str, other: FileSystem, outer: str) -> bool:
        """See `FileSystem`."""
        same = isinstance(other, ArrowFiles) and type(other.filesystem) is type(self.filesystem)
        if not same or not self.filesystem.equals(other.filesystem):  # type: ignore[attr-defined]
            return False
        return f"{inner}/".startswith(f"{outer.rstrip('/')}/")

    def _below(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{name}" if self.root else name

    def _puts_whole_files(self) -> bool:
        kind = str(self.filesystem.type_name)
        if kind.startswith("py::fsspec+"):
            return not _FSSPEC_OBJECT_STORES.isdisjoint(kind.removeprefix("py::fsspec+").strip("()'").split("', '"))
        return kind in _OBJECT_STORES

    def _make_folder(self, path: str) -> None:
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            self.filesystem.create_dir(folder, recursive=True)
            self._folders.add(folder)
