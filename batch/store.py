"""Stores of files: a folder on this machine, an object store, or anything else that Arrow or fsspec opens."""

from __future__ import annotations

import errno
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.fs

from mmnet.batch.errors import NameRefusedError, StoreError
from mmnet.batch.filesystems.arrow import ArrowFiles
from mmnet.batch.filesystems.local import LocalFiles
from mmnet.batch.filesystems.protocol import FileSystem
from mmnet.batch.options import RECORDS
from mmnet.errors import OutputError

# What the system reports about one name, and not about the whole store.
_OF_THE_NAME = frozenset(
    {errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ELOOP, errno.EINVAL, errno.EILSEQ}
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# The path of a URI (RFC 3986, 3.3) that is percent-encoded already; any other path is taken as it stands.
_URI_PATH = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")


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
        system: the file system.
        root: the path of the root in that file system.
    """

    uri: str
    system: FileSystem
    root: str

    @property
    def takes_any_bytes(self) -> bool:
        """Whether names need not be UTF-8."""
        return self.system.takes_any_bytes

    def files(self, under: str = "", unlisted: dict[str, str] | None = None) -> list[StoredFile]:
        """List every file below `under`, sorted by name. A folder that does not exist has no files.

        Args:
            under: a folder, relative to the store.
            unlisted: takes the folders below it that cannot be listed, and why; None raises `StoreError` for them.

        Raises:
            StoreError: the folder cannot be listed.
        """
        with self._named(under, "cannot be listed"):
            found = self.system.files(self._path(under), unlisted)
        start = len(self.root.rstrip("/")) + 1 if self.root else 0
        return sorted((StoredFile(path[start:], size) for path, size in found), key=lambda file: file.name)

    def is_file(self) -> bool:
        """Whether the root itself is a file."""
        with self._named("", "cannot be reached"):
            return self.system.size(self.root) is not None

    def has(self, name: str) -> bool:
        """Whether a file `name` exists and is not empty."""
        with self._named(name, "cannot be reached"):
            return bool(self.system.size(self._path(name)))

    def read(self, name: str) -> bytes:
        """Read a whole file.

        Raises:
            StoreError: the file does not exist or cannot be read.
        """
        with self._named(name, "cannot be read"):
            return self.system.read(self._path(name))

    def open(self, name: str) -> Any:
        """Open a file for reading at any position, as Arrow takes it.

        Raises:
            StoreError: the file does not exist or cannot be read.
        """
        with self._named(name, "cannot be read"):
            return self.system.open(self._path(name))

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all. It replaces a file of that name.

        Raises:
            NameRefusedError: the store cannot have a file of that name.
            StoreError: the file cannot be written.
        """
        with self._named(name, "cannot be written"), self.system.whole(self._path(name)) as stream:
            stream.write(content)

    def copy_in(self, name: str, source: IO[bytes]) -> None:
        """Write a file as `write` does, with the content of an open file."""
        with self._named(name, "cannot be written"), self.system.whole(self._path(name)) as stream:
            while part := source.read(1 << 22):
                stream.write(part)

    def write_item(self, name: str, content: bytes) -> None:
        """Write a file of many. An error that is this file's own is told apart from one that others would meet, too.

        Where neither the name nor a full disk is the reason, a small file is written to find out, and then this file
        is tried once more.

        Raises:
            NameRefusedError: this file cannot be written; others can.
            StoreError: no file can be written.
        """
        try:
            self.write(name, content)
        except NameRefusedError:
            raise
        except StoreError as error:
            if _number(error) in _FULL:
                raise
            probe = f"{RECORDS}/probe-{uuid.uuid4().hex[:8]}"
            self.write(probe, b"mmnet\n")
            self.delete(probe)
            try:
                self.write(name, content)
            except StoreError as again:
                raise NameRefusedError(str(again)) from again

    def delete(self, name: str) -> None:
        """Remove a file, if it exists.

        Raises:
            StoreError: the file cannot be removed.
        """
        try:
            with self._named(name, "cannot be removed"):
                self.system.delete(self._path(name))
        except StoreError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise

    def sweep(self) -> None:
        """Remove the temporary files of writers that were killed, which the last listing found."""
        with self._named("", "cannot be cleaned of temporary files"):
            self.system.sweep(self.root)

    def _path(self, name: str) -> str:
        return "/".join(part for part in (self.root, name) if part) if self.root != "/" else f"/{name}"

    @contextmanager
    def _named(self, name: str, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, OutputError, pa.ArrowException) as error:
            where = f"{self.uri}/{name}" if name else self.uri
            refused = isinstance(error, ValueError) and not isinstance(error, pa.ArrowException)
            refused |= _number(error) in _OF_THE_NAME or (isinstance(error, OutputError) and not error.__cause__)
            raise (NameRefusedError if refused else StoreError)(f"{where}: {what}: {_reason(error)}") from error


def open_store(place: str) -> Store:
    """Open a local path or a URI.

    Arrow opens s3://, gs://, hdfs:// and the like; fsspec opens everything else. Arrow takes settings in the URI, for
    example `s3://bucket/photos?region=eu-west-1&endpoint_override=HOST`. A path that is no valid path of a URI, such as
    one with spaces, is taken as it stands.

    Raises:
        StoreError: neither opens such a URI, or it is malformed.
    """
    if "://" not in place:
        path = str(Path(place).absolute())
        return Store(path, LocalFiles(), path)
    try:
        filesystem, root = _open_uri(place)
    except (ValueError, ImportError, OSError, pa.ArrowException) as error:
        raise StoreError(f"{place}: cannot be opened: {_reason(error)}") from error
    uri, root = place.partition("?")[0].rstrip("/"), root.rstrip("/") or "/"
    if isinstance(filesystem, pyarrow.fs.LocalFileSystem):
        return Store(uri, LocalFiles(), root)
    return Store(uri, ArrowFiles(filesystem, root), root)


def is_within(inner: Store, outer: Store) -> bool:
    """Whether `inner` is `outer`, or lies in it."""
    return inner.system.is_within(inner.root, outer.system, outer.root)


def _open_uri(place: str) -> tuple[Any, str]:
    uri = _encoded(place)
    try:
        filesystem, root = pyarrow.fs.FileSystem.from_uri(uri)
    except pa.ArrowInvalid as error:
        if "Unrecognized filesystem type" not in str(error):
            raise
        import fsspec

        other, root = fsspec.core.url_to_fs(place)  # takes paths as they stand
        filesystem = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(other))
    return filesystem, root


def _encoded(place: str) -> str:
    """Return a URI whose path is percent-encoded, where it was not."""
    scheme, _, rest = place.partition("://")
    path, mark, settings = rest.partition("?")
    return place if _URI_PATH.fullmatch(path) else f"{scheme}://{quote(path, safe='/@:')}{mark}{settings}"


def _number(error: BaseException) -> int | None:
    """Return the system's number of an error, or of the one that caused it."""
    found: BaseException | None = error
    while found is not None and getattr(found, "errno", None) is None:
        found = found.__cause__
    return None if found is None else getattr(found, "errno", None)


def _reason(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, UnicodeError):
        return "its name is not UTF-8; rename it"
    if isinstance(error, OutputError):
        return _reason(error.__cause__) if error.__cause__ else str(error).rpartition(": ")[2]
    return " ".join(str(getattr(error, "strerror", None) or error).split())
