"""What one worker does with a task: read, matte, write, and say what became of every image."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from mmnet.batch.errors import BatchError
from mmnet.batch.isolated import Alone
from mmnet.batch.ledger import Entry
from mmnet.batch.plan import Image, Task
from mmnet.batch.rendering import Made, Maker, Recipe
from mmnet.batch.sources import Columns, read_images
from mmnet.batch.store import Store
from mmnet.errors import MMNetError

# One row an image of the source: its result, or why there is none.
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
_SHARD_BYTES = 16 << 20  # of images in memory until a row group is written


@dataclass(frozen=True)
class Order:
    """All that a worker needs to know, the same for all of them."""

    recipe: Recipe
    source: Store
    destination: Store
    columns: Columns


class WriteError(BatchError):
    """The destination did not take a result: nothing is wrong with the image."""


class Worker:
    """One interpreter. A call takes a task and returns its images' entries, both as JSON."""

    def __init__(self, order: Order, restarted: bool = False) -> None:
        """Load the model.

        Args:
            order: what to do.
            restarted: another worker may have died over the next task, and made some of its results.
        """
        self._order = order
        self._restarted = restarted
        self._maker = Maker(order.recipe)
        self._name = f"{platform.node()}:{os.getpid()}"

    def __call__(self, text: str) -> str:
        """A task as `Task.to_json` gives it -> {"entries": …, "writing": the destination's error, or null, …}."""
        began = time.process_time()
        task = Task.from_json(text)
        try:
            entries, problem = list(self._entries(task)), None
        except WriteError as error:
            entries, problem = [], str(error)
        return json.dumps(
            {
                "entries": [asdict(entry) for entry in entries],
                "writing": problem,
                "core_seconds": time.process_time() - began,
            }
        )

    def _entries(self, task: Task) -> Iterator[Entry]:
        if not task.careful:
            yield from self._do(task, self._maker)
            return
        with Alone(Maker, self._order.recipe) as alone:
            yield from self._do(task, alone)

    def _do(self, task: Task, make: Callable[[str, bytes, str], Made]) -> Iterator[Entry]:
        if task.shard is not None:
            yield from self._shard(task, task.shard, make)
            return
        images = [image for image in task.images if not (self._restarted and self._is_there(image.output))]
        for image in set(task.images).difference(images):
            yield Entry(image.source.name, image.output, worker=self._name)
        for image, made in self._make(images, make):
            if isinstance(made, Made):
                try:
                    self._order.destination.write(image.output, made.content)
                except BatchError as error:
                    raise WriteError(str(error)) from error
            yield self._entry(image, made)

    def _shard(self, task: Task, shard: str, make: Callable[[str, bytes, str], Made]) -> Iterator[Entry]:
        """All results into one file, by way of this machine's disk: they may not fit into memory."""
        entries = []
        metadata = {"mmnet": json.dumps(self._order.recipe.describe())}
        with tempfile.TemporaryFile(prefix="mmnet-") as spool:
            with pq.ParquetWriter(spool, SHARD_SCHEMA.with_metadata(metadata), compression="NONE") as writer:
                rows: list[dict[str, object]] = []
                held = 0
                for image, made in self._make(task.images, make):
                    entry = self._entry(image, made, shard)
                    entries.append(entry)
                    rows.append(_row(entry, made))
                    held += len(made.content) if isinstance(made, Made) else 0
                    if held >= _SHARD_BYTES:
                        writer.write_table(pa.Table.from_pylist(rows, SHARD_SCHEMA))
                        rows, held = [], 0
                if rows:
                    writer.write_table(pa.Table.from_pylist(rows, SHARD_SCHEMA))
            spool.seek(0)
            try:
                self._order.destination.copy_in(shard, spool)
            except BatchError as error:
                raise WriteError(str(error)) from error
        yield from entries

    def _make(
        self, images: list[Image] | tuple[Image, ...], make: Callable[[str, bytes, str], Made]
    ) -> Iterator[tuple[Image, Made | str]]:
        """Every image's result, or the line that says why it has none."""
        if not images:
            return
        for image, data in read_images(self._order.source, images, self._order.columns):
            try:
                if isinstance(data, Exception):
                    raise data
                yield image, make(image.source.name, data, image.output)
            except MMNetError as error:
                yield image, _naming(image.source.name, str(error))
            except MemoryError:
                yield image, f"{image.source.name}: does not fit into memory"
            except Exception as error:  # one image's accident does not end a job of a million
                yield image, _naming(image.source.name, f"{type(error).__name__}: {error}")

    def _entry(self, image: Image, made: Made | str, shard: str | None = None) -> Entry:
        error = made if isinstance(made, str) else None
        return Entry(image.source.name, image.output, shard, error, self._name)

    def _is_there(self, output: str) -> bool:
        return self._order.destination.has(output)


def held_by_shard(store: Store, shard: str) -> list[Entry]:
    """What a shard in a destination holds, read without its images.

    Raises:
        BatchError: it cannot be read.
    """
    try:
        with store.open(shard) as opened:
            rows = pq.ParquetFile(opened).read(["name", "output", "error"]).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise BatchError(f"{store.uri}/{shard}: cannot be read; remove it, and its images are made again") from error
    return [Entry(row["name"], row["output"], shard, row["error"]) for row in rows]


def _row(entry: Entry, made: Made | str) -> dict[str, object]:
    return {
        "name": entry.name,
        "output": entry.output,
        "image": made.content if isinstance(made, Made) else None,
        "width": made.width if isinstance(made, Made) else None,
        "height": made.height if isinstance(made, Made) else None,
        "error": entry.error,
    }


def _naming(name: str, message: str) -> str:
    line = " ".join(message.split())
    return line if name in line else f"{name}: {line}"
