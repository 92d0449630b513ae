"""The images of a job: the photos below a folder or prefix, or the rows of Parquet files."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mmnet.batch.errors import BatchError
from mmnet.batch.options import RECORDS, Columns
from mmnet.batch.plan import Image, Source
from mmnet.batch.store import Store
from mmnet.failures import failure_line
from mmnet.listing import LeftOut
from mmnet.runtime.imaging.photos import MAX_FILE_BYTES, PHOTO_EXTENSIONS, note_photos_left_out
from mmnet.runtime.imaging.stored import PhotoError

PARQUET = ".parquet"
_BATCH_ROWS = 8  # read from a row group at a time, since images are large


@dataclass(frozen=True)
class SourceListing:
    """The images of a store.

    Attributes:
        sources: the images, sorted by name.
        left_out: the files that are neither photos nor Parquet, or that a source of the other kind does not take.
        damaged: Parquet file -> why none of its rows, or not all of them, are among the images.
    """

    sources: list[Source]
    left_out: LeftOut = field(default_factory=LeftOut)
    damaged: Mapping[str, str] = field(default_factory=dict)


def list_sources(store: Store, columns: Columns) -> SourceListing:
    """List the images of a store: the photos below it, or the rows of its Parquet files.

    Photos are found by their extension. Hidden files, and those in hidden folders, are left out. What is left out is
    noted in the log, too. Of Parquet only the names are read, not the images.

    Args:
        store: a folder or prefix of photos or of Parquet files, or one Parquet file.
        columns: the columns of Parquet files.

    Raises:
        BatchError: the store holds no images, or both photos and Parquet; or no Parquet file in it can be used. Where
            some of them can, the others are in `damaged`.
    """
    if store.is_file():
        if not store.root.endswith(PARQUET):
            raise BatchError(
                f"{store.uri}: is a file; give a folder of photos, or Parquet; `mmnet matte` takes one photo"
            )
        return _listed_tables(store, [""], columns, LeftOut())
    unlisted: dict[str, str] = {}
    everything = [file.name for file in store.files(unlisted=unlisted)]
    names = [name for name in everything if not _is_hidden(name)]
    photos = [name for name in names if PurePosixPath(name).suffix.lower() in PHOTO_EXTENSIONS]
    tables = [name for name in names if name.endswith(PARQUET)]
    if photos and tables:
        raise BatchError(
            f"{store.uri}: holds photos ({photos[0]}) and Parquet ({tables[0]}); name a folder of one of them"
        )
    if not everything:
        raise BatchError(f"{store.uri}: no such folder, or nothing in it")
    if not photos and not tables:
        kinds = ", ".join([*sorted(PHOTO_EXTENSIONS), PARQUET])
        raise BatchError(f"{store.uri}: holds no photo, and none below it ({kinds})")
    left_out = _left_out(everything, PHOTO_EXTENSIONS if photos else {PARQUET}, unlisted)
    note_photos_left_out(store.uri, left_out)
    if photos:
        return SourceListing([Source(name) for name in photos], left_out)
    return _listed_tables(store, tables, columns, left_out)


def _listed_tables(store: Store, names: Sequence[str], columns: Columns, left_out: LeftOut) -> SourceListing:
    """List the rows of Parquet files; those that cannot be used do not stop the others."""
    sources: list[Source] = []
    damaged: dict[str, str] = {}
    for name in names:
        try:
            rows, problem = _rows(store, name, columns)
        except BatchError as error:
            rows, problem = [], str(error)
        sources += rows
        if problem:
            damaged[name or PurePosixPath(store.root).name] = problem
    if damaged and not sources:
        raise BatchError(next(iter(damaged.values())))
    return SourceListing(sources, left_out, damaged)


def _left_out(names: Sequence[str], taken: Collection[str], unlisted: Mapping[str, str]) -> LeftOut:
    """Count the files of a store that are left out, without the records of an earlier job."""
    own = f"{RECORDS}/"
    hidden = [name for name in names if _is_hidden(name) and not name.startswith(own)]
    shown = [name for name in names if not _is_hidden(name)]
    return LeftOut(
        Counter(extension for name in shown if (extension := PurePosixPath(name).suffix.lower()) not in taken),
        hidden=sum(PurePosixPath(name).suffix.lower() in taken for name in hidden),
        unlisted=unlisted,
    )


def read_images(store: Store, images: Sequence[Image], columns: Columns) -> Iterator[tuple[Image, bytes | Exception]]:
    """Yield every image with the bytes of its photo, or with the error that reading it gave.

    Args:
        store: the store that `list_sources` listed.
        images: all of one row group, in its order, where they come from Parquet.
        columns: the columns of Parquet files.
    """
    if not images[0].source.file:
        for image in images:
            yield image, _read_file(store, image.source.name)
        return
    wanted = deque(images)
    missing: Exception = PhotoError("its row is gone: the Parquet file has changed")
    try:
        for row, data in _read_rows(store, wanted[0].source, columns):
            if wanted and row == wanted[0].source.row:
                yield wanted.popleft(), data
    except Exception as error:  # whatever it is, the caller has it for every image that is missing
        missing = error
    for image in wanted:
        yield image, missing


def _read_file(store: Store, name: str) -> bytes | Exception:
    try:
        return store.read(name)
    except Exception as error:
        return error


def _read_rows(store: Store, source: Source, columns: Columns) -> Iterator[tuple[int, bytes | Exception]]:
    with store.open(_name_of(source.file)) as opened:
        table = pq.ParquetFile(opened)
        path = _column(table.schema_arrow, columns.image, "bytes", _is_binary)
        row = 0
        for batch in table.iter_batches(_BATCH_ROWS, row_groups=[source.group], columns=[".".join(path)]):
            for value in _values(batch, path):
                yield row, _checked(value.as_py())
                row += 1


def _checked(data: Any) -> bytes | Exception:
    if data is None:
        return PhotoError("has no image (the column is null)")
    if len(data) > MAX_FILE_BYTES:
        return PhotoError(f"has {len(data):,} bytes; a photo may have {MAX_FILE_BYTES:,}")
    return bytes(data)


def _rows(store: Store, name: str, columns: Columns) -> tuple[list[Source], str]:
    """Return the images of a Parquet file, and the problem of the row groups whose names cannot be read, or "".

    Raises:
        BatchError: the file lacks a column or cannot be read.
    """
    where = f"{store.uri}/{name}".rstrip("/")
    found: list[Source] = []
    problem = ""
    try:
        with store.open(name) as opened:
            table = pq.ParquetFile(opened)
            _column(table.schema_arrow, columns.image, "bytes", _is_binary)
            path = _column(table.schema_arrow, columns.name, "path", _is_name)
            for group in range(table.num_row_groups):
                try:
                    found += _rows_of_group(table, name, group, path)
                except (OSError, ValueError, pa.ArrowException) as error:
                    reason = f"{where}: row group {group} cannot be read: {' '.join(str(error).split())}"
                    problem = problem or reason
    except _NoColumnError as error:
        raise BatchError(f"{where}: {error}") from error
    except BatchError:
        raise
    except (OSError, ValueError, pa.ArrowException) as error:
        raise BatchError(f"{where}: cannot be read as Parquet: {' '.join(str(error).split())}") from error
    except Exception as error:  # of one file: the others are listed nevertheless
        raise BatchError(failure_line(error, where)) from error
    return found, problem


def _rows_of_group(table: pq.ParquetFile, name: str, group: int, path: Sequence[str]) -> list[Source]:
    values = _values(table.read_row_group(group, columns=[".".join(path)]), path)
    if not pa.types.is_integer(values.type):
        values = values.cast(pa.large_binary())  # texts need not be the UTF-8 that they should be
    return [Source(_name(value.as_py()), name or ".", group, row) for row, value in enumerate(values)]


def _name(value: bytes | int | None) -> str:
    """Return the name of a row; bytes that are no UTF-8 become lone surrogates, as in the names of files."""
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    return "" if value is None else str(value)


class _NoColumnError(BatchError):
    pass


def _column(schema: pa.Schema, wanted: str, inner: str, fits: Any) -> list[str]:
    """Return the path to a column, and to its field `inner` where the column is a struct.

    Args:
        schema: of the Parquet file.
        wanted: the column, as the user named it.
        inner: the field that is taken where `wanted` is a struct.
        fits: (type) -> whether the column can be used.

    Raises:
        _NoColumnError: there is no such column, or it has another type.
    """
    option = "image_column" if fits is _is_binary else "name_column"
    path: list[str] = []
    fields, kind = {field.name: field for field in schema}, pa.null()
    for part in wanted.split("."):
        if part not in fields:
            has = ", ".join(schema.names)
            raise _NoColumnError(f"has no column {wanted!r}; name one of {has} with {option}=NAME")
        path.append(part)
        kind = fields[part].type
        fields = {field.name: field for field in kind} if pa.types.is_struct(kind) else {}
    if inner in fields:
        path.append(inner)
        kind = fields[inner].type
    if not fits(kind):
        raise _NoColumnError(f"column {wanted!r} has the type {kind}; name another with {option}=NAME")
    return path


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _is_name(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind))


def _values(table: pa.Table | pa.RecordBatch, path: Sequence[str]) -> Any:
    column = table.column(path[0])
    for part in path[1:]:
        column = pc.struct_field(column, part)  # pyright: ignore[reportAttributeAccessIssue]
    return column


def _name_of(file: str) -> str:
    """Return the name of a Parquet file within its store; "." means that the store is the file."""
    return "" if file == "." else file


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == RECORDS for part in name.split("/"))
