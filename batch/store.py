"""Stores of files: a folder on this machine, an object store, or anything else that Arrow or fsspec opens."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.fs

from mmnet.batch.errors import StoreError

# The folder of a job's records. Readers of datasets skip names that begin with an underscore, like hidden ones.
RECORDS = "_mmnet"
_TEMPORARY = f"{RECORDS}/tmp"
# In these a file appears whole when it is closed. Elsewhere it is written under another name, then renamed.
_OBJECT_STORES = frozenset({"s3", "gcs", "abfs"})
_FSSPEC_OBJECT_STORES = frozenset({"s3", "s3a", "gcs", "gs", "abfs", "abfss", "az", "oss", "oci"})


@dataclass(frozen=True)
class StoredFile:
    """An entry of a listing.

    Attributes:
        name: relative to the store, with slashes.
        size: in bytes.
    """

    name: str
    size: int


@dataclass(frozen=True)
class Store:
    """A root and all files below it. It can be sent to other processes.

    Attributes:
        uri: the path or URI that messages show, without a slash at the end.
        filesystem: an Arrow `FileSystem`.
        root: the path of the root in that file system.
    """

    uri: str
    filesystem: Any
    root: str
    _folders: set[str] = field(default_factory=set, compare=False, repr=False)

    def files(self, under: str = "") -> list[StoredFile]:
        """List every file below `under`, sorted by name. A folder that does not exist has no files.

        Raises:
            StoreError: the folder cannot be listed.
        """
        selector = pyarrow.fs.FileSelector(self._path(under), recursive=True, allow_not_found=True)
        with self._named(under, "cannot be listed"):
            infos = self.filesystem.get_file_info(selector)
        start = len(self.root) + 1 if self.root else 0
        return sorted(
            (StoredFile(info.path[start:], info.size or 0) for info in infos if info.type == pyarrow.fs.FileType.File),
            key=lambda file: file.name,
        )

    def is_file(self) -> bool:
        """Whether the root itself is a file."""
        with self._named("", "cannot be reached"):
            return bool(self.filesystem.get_file_info(self.root).type == pyarrow.fs.FileType.File)

    def has(self, name: str) -> bool:
        """Whether a file `name` exists and is not empty."""
        with self._named(name, "cannot be reached"):
            return bool(self.filesystem.get_file_info(self._path(name)).size)

    def read(self, name: str) -> bytes:
        """Read a whole file.

        Raises:
            StoreError: the file does not exist or cannot be read.
        """
        with self._named(name, "cannot be read"), self.filesystem.open_input_stream(self._path(name)) as stream:
            return bytes(stream.read())

    def open(self, name: str) -> Any:
        """Open a file for reading at any position, as an Arrow `NativeFile`.

        Raises:
            StoreError: the file does not exist or cannot be read.
        """
        with self._named(name, "cannot be read"):
            return self.filesystem.open_input_file(self._path(name))

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all. It replaces a file of that name.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._named(name, "cannot be written"), self._whole(name) as stream:
            stream.write(content)

    def copy_in(self, name: str, source: IO[bytes]) -> None:
        """Write a file as `write` does, with the content of an open file."""
        with self._named(name, "cannot be written"), self._whole(name) as stream:
            while part := source.read(1 << 22):
                stream.write(part)

    def delete(self, name: str) -> None:
        """Remove a file, if it exists.

        Raises:
            StoreError: the file cannot be removed.
        """
        try:
            with self._named(name, "cannot be removed"):
                self.filesystem.delete_file(self._path(name))
        except StoreError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise

    def sweep(self) -> None:
        """Remove the temporary files of writers that were killed."""
        for file in self.files(_TEMPORARY):
            self.delete(file.name)

    @contextmanager
    def _whole(self, name: str) -> Iterator[Any]:
        target = self._path(name)
        if self._puts_whole_files():
            # Without a with block: it would close the stream after an error, and so publish an incomplete file.
            stream = self.filesystem.open_output_stream(target)
            yield stream
            stream.close()
            return
        temporary = self._path(f"{_TEMPORARY}/{uuid.uuid4().hex}")
        self._make_folder(target)
        self._make_folder(temporary)
        try:
            with self.filesystem.open_output_stream(temporary) as stream:
                yield stream
            self.filesystem.move(temporary, target)
        except BaseException:
            if self.filesystem.get_file_info(temporary).type == pyarrow.fs.FileType.File:
                self.filesystem.delete_file(temporary)
            raise

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

    def _path(self, name: str) -> str:
        return "/".join(part for part in (self.root, name) if part) if self.root != "/" else f"/{name}"

    @contextmanager
    def _named(self, name: str, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise StoreError(f"{_joined(self.uri, name)}: {what}: {_reason(error)}") from error


def open_store(place: str) -> Store:
    """Open a local path or a URI.

    Arrow opens file://, s3://, gs://, hdfs:// and the like; fsspec opens everything else. Arrow takes settings in the
    URI, for example `s3://bucket/photos?region=eu-west-1&endpoint_override=HOST`.

    Raises:
        StoreError: neither opens such a URI, or it is malformed.
    """
    if "://" not in place:
        path = str(Path(place).absolute())
        return Store(path, pyarrow.fs.LocalFileSystem(), path)
    try:
        filesystem, root = _open_uri(place)
    except (ValueError, ImportError, OSError, pa.ArrowException) as error:
        raise StoreError(f"{place}: cannot be opened: {_reason(error)}") from error
    return Store(place.partition("?")[0].rstrip("/"), filesystem, root.rstrip("/") or "/")


def is_within(inner: Store, outer: Store) -> bool:
    """Whether `inner` is `outer`, or lies in it."""
    same = inner.filesystem.equals(outer.filesystem) if type(inner.filesystem) is type(outer.filesystem) else False
    return bool(same) and f"{inner.root}/".startswith(f"{outer.root.rstrip('/')}/")


def _open_uri(uri: str) -> tuple[Any, str]:
    try:
        filesystem, root = pyarrow.fs.FileSystem.from_uri(uri)
    except pa.ArrowInvalid as error:
        if "Unrecognized filesystem type" not in str(error):
            raise
        import fsspec

        other, root = fsspec.core.url_to_fs(uri)
        filesystem = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(other))
    return filesystem, root


def _joined(uri: str, name: str) -> str:
    return f"{uri}/{name}" if name else uri


def _reason(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return " ".join(str(getattr(error, "strerror", None) or error).split())
