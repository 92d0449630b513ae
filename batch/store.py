"""A folder of files wherever it lies: on this machine, in an object store, or on anything that fsspec opens."""

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

# Our own files in a destination. Readers of data sets pass over names with an underscore, as over hidden ones.
RECORDS = "_mmnet"
_TEMPORARY = f"{RECORDS}/tmp"
# A file there appears whole, when it is closed. Elsewhere it is written beside and renamed.
_OBJECT_STORES = frozenset({"s3", "gcs", "abfs"})
_FSSPEC_OBJECT_STORES = frozenset({"s3", "s3a", "gcs", "gs", "abfs", "abfss", "az", "oss", "oci"})


@dataclass(frozen=True)
class StoredFile:
    """A file as a listing tells it: its name, relative to the store and with slashes, and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Store:
    """A root and what is below it. It can be sent to other processes.

    Attributes:
        uri: what messages call it: a path or a URI, without a slash at the end.
        filesystem: where it lies.
        root: its path there.
    """

    uri: str
    filesystem: Any
    root: str
    _folders: set[str] = field(default_factory=set, compare=False, repr=False)

    def files(self, under: str = "") -> list[StoredFile]:
        """Every file below `under`, sorted by name, by one recursive listing; nothing where it does not exist.

        Raises:
            StoreError: it cannot be listed.
        """
        selector = pyarrow.fs.FileSelector(self._path(under), recursive=True, allow_not_found=True)
        with self._named(under, "cannot be listed"):
            found = self.filesystem.get_file_info(selector)
        start = len(self.root) + 1 if self.root else 0
        return sorted(
            (StoredFile(info.path[start:], info.size or 0) for info in found if info.type == pyarrow.fs.FileType.File),
            key=lambda file: file.name,
        )

    def is_file(self) -> bool:
        """Whether the root itself is a file."""
        with self._named("", "cannot be reached"):
            return bool(self.filesystem.get_file_info(self.root).type == pyarrow.fs.FileType.File)

    def has(self, name: str) -> bool:
        """Whether a file `name` is there and holds something."""
        with self._named(name, "cannot be reached"):
            return bool(self.filesystem.get_file_info(self._path(name)).size)

    def read(self, name: str) -> bytes:
        """The whole file.

        Raises:
            StoreError: it is not there or cannot be read.
        """
        with self._named(name, "cannot be read"), self.filesystem.open_input_stream(self._path(name)) as stream:
            return bytes(stream.read())

    def open(self, name: str) -> Any:
        """The file to read from anywhere, an Arrow `NativeFile`.

        Raises:
            StoreError: it is not there or cannot be read.
        """
        with self._named(name, "cannot be read"):
            return self.filesystem.open_input_file(self._path(name))

    def write(self, name: str, content: bytes) -> None:
        """Write the whole file or nothing, in place of what is there.

        Raises:
            StoreError: it cannot be written.
        """
        with self._named(name, "cannot be written"), self._whole(name) as stream:
            stream.write(content)

    def copy_in(self, name: str, source: IO[bytes]) -> None:
        """As `write`, from an open file."""
        with self._named(name, "cannot be written"), self._whole(name) as stream:
            while part := source.read(1 << 22):
                stream.write(part)

    def delete(self, name: str) -> None:
        """Remove a file, if it is there.

        Raises:
            StoreError: it cannot be removed.
        """
        try:
            with self._named(name, "cannot be removed"):
                self.filesystem.delete_file(self._path(name))
        except StoreError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise

    def sweep(self) -> None:
        """Remove what writers left that were killed."""
        for file in self.files(_TEMPORARY):
            self.delete(file.name)

    @contextmanager
    def _whole(self, name: str) -> Iterator[Any]:
        target = self._path(name)
        if self._puts_whole_files():
            # Not a with block, which would close, and so publish, what an error left incomplete.
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
    """A local path, or a URI: file://, s3://, gs://, hdfs:// and the like by Arrow, everything else by fsspec.

    Arrow takes settings in the URI, for example `s3://bucket/photos?region=eu-west-1&endpoint_override=HOST`.

    Raises:
        StoreError: nothing opens such a URI, or it is malformed.
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
    """Whether one store is the other, or lies in it."""
    same = inner.filesystem.equals(outer.filesystem) if type(inner.filesystem) is type(outer.filesystem) else False
    return bool(same) and f"{inner.root}/".startswith(f"{outer.root.rstrip('/')}/")


def _open_uri(uri: str) -> tuple[Any, str]:
    try:
        filesystem, root = pyarrow.fs.FileSystem.from_uri(uri)
    except pa.ArrowInvalid as error:
        if "Unrecognized filesystem type" not in str(error):
            raise
        import fsspec

        found, root = fsspec.core.url_to_fs(uri)
        filesystem = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(found))
    return filesystem, root


def _joined(uri: str, name: str) -> str:
    return f"{uri}/{name}" if name else uri


def _reason(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return " ".join(str(getattr(error, "strerror", None) or error).split())
