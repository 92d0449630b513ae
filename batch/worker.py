"""A worker: reads the images of one task after the other, renders and writes their results, and reports each image."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mmnet.batch.errors import BatchError, NameRefusedError
from mmnet.batch.isolated import IsolatedProcess
from mmnet.batch.ledger import Entry
from mmnet.batch.options import Columns
from mmnet.batch.plan import Image, Task
from mmnet.batch.rendering import EncodedImage, ImageRenderer, RenderOptions
from mmnet.batch.sources import read_images
from mmnet.batch.store import Store
from mmnet.failures import collected_log, failure_line
from mmnet.text import printable

# The rows of a shard: one per image of the task, with its result or with the reason why it has none.
SHARD_SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("output", pa.string(), nullable=False),
        pa.field("image", pa.binary()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("error", pa.string()),
    ]
)
_ROW_GROUP_BYTES = 16 << 20  # of results that are kept in memory before they are written as a row group

# (name, bytes of the photo, name of the result) -> result
Render = Callable[[str, bytes, str], EncodedImage]


@dataclass(frozen=True)
class JobRequest:
    """The computation of a job, the same for all of its workers.

    Attributes:
        rendering: what is rendered of every image.
        source: the images.
        destination: the results.
        columns: the columns of a Parquet source.
        debug: whether the answers hold the tracebacks of failures.
    """

    rendering: RenderOptions
    source: Store
    destination: Store
    columns: Columns
    debug: bool = False


class WriteError(BatchError):
    """The destination takes no results any more. The image itself is good."""


class Worker:
    """One model on one thread. A call takes a task and returns the entries of its images, both as JSON."""

    def __init__(self, request: JobRequest, restarted: bool = False) -> None:
        """Load the model.

        Args:
            request: what to compute.
            restarted: whether this worker replaces one that died, which may have written results of the next task.
        """
        self._request = request
        self._restarted = restarted
        self._renderer = ImageRenderer(request.rendering)
        self._name = f"{platform.node()}:{os.getpid()}"

    def __call__(self, text: str) -> str:
        """Do a task.

        Args:
            text: from `Task.to_json`.

        Returns:
            A JSON object: `entries`, one per image that was done; `writing`, the line that says why the destination
            takes no results any more, or null; `defect`, the line about an exception that nothing expects, or null;
            `log`, texts for the log; and `core_seconds`, the processor time.
        """
        began = time.process_time()
        task = Task.from_json(text)
        entries: list[Entry] = []
        writing = defect = None
        with collected_log(self._request.debug) as log:
            try:
                for entry in self._entries(task):
                    entries.append(entry)
            except WriteError as error:
                writing = str(error)
            except Exception as error:
                defect = failure_line(error)
        return json.dumps(
            {
                "entries": [asdict(entry) for entry in entries],
                "writing": writing,
                "defect": defect,
                "log": log,
                "core_seconds": time.process_time() - began,
            }
        )

    def _entries(self, task: Task) -> Iterator[Entry]:
        write = self._write_files if task.shard is None else self._write_shard
        if not task.isolated:
            yield from write(task, self._renderer)
            return
        with IsolatedProcess(ImageRenderer, self._request.rendering) as render:
            yield from write(task, render)

    def _write_files(self, task: Task, render: Render) -> Iterator[Entry]:
        """Write one file per result."""
        missing = [image for image in task.images if not (self._restarted and self._is_written(image))]
        for image in set(task.images).difference(missing):
            yield Entry(image.source.name, image.output, worker=self._name)
        for image, result in self._render(missing, render):
            yield self._entry(image, self._written(image, result))

    def _is_written(self, image: Image) -> bool:
        try:
            return self._request.destination.has(image.output)
        except BatchError:  # writing it says why
            return False

    def _written(self, image: Image, result: EncodedImage | str) -> EncodedImage | str:
        """Write a result, and return it, or the line that says why just this one cannot be written."""
        if isinstance(result, EncodedImage):
            try:
                self._request.destination.write_item(image.output, result.content)
            except NameRefusedError as error:
                return failure_line(error, image.source.name)
            except BatchError as error:
                raise WriteError(str(error)) from error
        return result

    def _write_shard(self, task: Task, render: Render) -> Iterator[Entry]:
        """Write all results into one file. It grows on this machine's disk, since it may not fit into memory."""
        assert task.shard is not None
        entries = []
        metadata = {"mmnet": json.dumps(self._request.rendering.describe())}
        with tempfile.TemporaryFile(prefix="mmnet-") as spool:
            with pq.ParquetWriter(spool, SHARD_SCHEMA.with_metadata(metadata), compression="NONE") as writer:
                rows: list[dict[str, Any]] = []
                size = 0
                for image, result in self._render(task.images, render):
                    entry = self._entry(image, result, task.shard)
                    entries.append(entry)
                    rows.append(_row(entry, result))
                    size += len(result.content) if isinstance(result, EncodedImage) else 0
                    if size >= _ROW_GROUP_BYTES:
                        writer.write_table(pa.Table.from_pylist(rows, SHARD_SCHEMA))
                        rows, size = [], 0
                if rows:
                    writer.write_table(pa.Table.from_pylist(rows, SHARD_SCHEMA))
            spool.seek(0)
            try:
                self._request.destination.copy_in(task.shard, spool)
            except BatchError as error:
                raise WriteError(str(error)) from error
        yield from entries

    def _render(self, images: Sequence[Image], render: Render) -> Iterator[tuple[Image, EncodedImage | str]]:
        """Yield every image with its result, or with the line that says why it has none."""
        if not images:
            return
        for image, data in read_images(self._request.source, images, self._request.columns):
            try:
                if isinstance(data, Exception):
                    raise data
                yield image, render(image.source.name, data, image.output)
            except Exception as error:  # a defect that one image of a million meets must not end the job
                yield image, failure_line(error, image.source.name)

    def _entry(self, image: Image, result: EncodedImage | str, shard: str | None = None) -> Entry:
        if isinstance(result, str):
            return Entry(image.source.name, image.output, shard, result, self._name)
        return Entry(image.source.name, image.output, shard, None, self._name, result.nobody)


def read_shard_entries(store: Store, shard: str) -> list[Entry]:
    """Read the entries of a shard in a destination, without its images.

    Raises:
        BatchError: the shard cannot be read.
    """
    try:
        with store.open(shard) as opened:
            rows = pq.ParquetFile(opened).read(["name", "output", "error"]).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise BatchError(
            f"{store.uri}/{shard}: cannot be read; remove it, and the next run renders its images again"
        ) from error
    return [Entry(row["name"], row["output"], shard, row["error"]) for row in rows]


def _row(entry: Entry, result: EncodedImage | str) -> dict[str, Any]:
    encoded = result if isinstance(result, EncodedImage) else None
    return {
        "name": entry.name,
        "output": entry.output,
        "image": encoded and encoded.content,
        "width": encoded and encoded.width,
        "height": encoded and encoded.height,
        "error": None if entry.error is None else printable(entry.error),
    }
