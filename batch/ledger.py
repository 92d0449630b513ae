"""What a destination says about itself: which model and options its results are of, and what became of each image.

_mmnet/job.json             the recipe and the source: written first, never changed
_mmnet/ledger/RUN-0001.jsonl  what was done, a line an image, a part every few seconds
errors.jsonl                the images that have no result, a line each

Every file appears whole or not at all. What is done is decided by the results alone: lines that a killed run did not
come to write are written by the next one.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from mmnet.batch.errors import BatchError, OtherJobError
from mmnet.batch.store import RECORDS, Store

FORMAT = "mmnet-batch/1"
JOB = f"{RECORDS}/job.json"
LEDGER = f"{RECORDS}/ledger"
ERRORS = "errors.jsonl"
_TOOLS = ("mmnet", "ai-edge-litert", "numpy", "opencv-python-headless")
_LINES, _SECONDS = 5000, 10.0  # of a part of the ledger


@dataclass(frozen=True)
class Entry:
    """What became of an image.

    Attributes:
        name: its own.
        output: the file with its result, or its name within a shard; "" where it can have none.
        shard: the Parquet file that holds it; None where the result is a file of its own.
        error: why it has no result, one line; None if it has.
        worker: `host:process` that made it; "" where that was not recorded before a run was killed.
    """

    name: str
    output: str
    shard: str | None = None
    error: str | None = None
    worker: str = ""

    @property
    def key(self) -> str:
        """What tells it from all others of a job: outputs do, names of Parquet may occur twice."""
        return self.output or self.name


def job_description(recipe: Mapping[str, Any], source: str, shape: str) -> dict[str, Any]:
    """What goes into `job.json`.

    Args:
        recipe: as `Recipe.describe`.
        source: the URI that images are read from.
        shape: `files` or `parquet`, what the results are written as.
    """
    return {
        "format": FORMAT,
        **recipe,
        "to": shape,
        "source": source,
        "versions": {tool: version(tool) for tool in _TOOLS},
    }


def read_job(store: Store, files: Iterable[str]) -> dict[str, Any] | None:
    """The job of a destination; None where no batch has written to it.

    Raises:
        BatchError: `job.json` is damaged, or of another format.
    """
    if JOB not in files:
        return None
    try:
        found = json.loads(store.read(JOB))
    except ValueError as error:
        raise BatchError(f"{store.uri}/{JOB}: is damaged; begin anew with --force") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BatchError(f"{store.uri}/{JOB}: is not of {FORMAT}; name another destination, or begin anew with --force")
    return found


def check_same(found: Mapping[str, Any], wanted: Mapping[str, Any], where: str) -> None:
    """Raise unless a destination's job is the one that is wanted, whatever versions of the tools it was begun with.

    Raises:
        OtherJobError: it is not; one line that says in what.
    """
    keys = [key for key in {**found, **wanted} if key != "versions" and found.get(key) != wanted.get(key)]
    if not keys:
        return
    fix = "name another destination, or begin anew with --force"
    if keys == ["source"]:
        fix = f"name another destination, begin anew with --force, or, if they only moved, say so in {where}/{JOB}"
    differences = "; ".join(f"{key} {_shown(found.get(key))}, not {_shown(wanted.get(key))}" for key in keys)
    raise OtherJobError(f"{where}: holds results of another job: {differences}; {fix}")


def read_ledger(store: Store, files: Iterable[str]) -> list[Entry]:
    """What earlier runs recorded, in their order; of each key the last one counts.

    Raises:
        BatchError: a part is damaged.
    """
    entries = []
    for name in sorted(file for file in files if file.startswith(f"{LEDGER}/")):
        try:
            entries += [Entry(**json.loads(line)) for line in store.read(name).splitlines()]
        except (ValueError, TypeError) as error:
            raise BatchError(
                f"{store.uri}/{name}: is damaged; remove it: what is done is seen by the results themselves"
            ) from error
    return entries


@dataclass
class Ledger:
    """The record of one run.

    Attributes:
        store: the destination.
        failed: key -> its entry, of the images that have no result, earlier runs' included.
        errors_there: whether the destination has a list of errors.
    """

    store: Store
    failed: dict[str, Entry] = field(default_factory=dict)
    errors_there: bool = False

    def __post_init__(self) -> None:
        self._run = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:6]}"
        self._lines: list[str] = []
        self._parts = 0
        self._failures = -1
        self._written = time.monotonic()

    def record(self, entry: Entry) -> None:
        """Add a line; from time to time, write what has come together.

        Raises:
            StoreError: it cannot be written.
        """
        if entry.error is None:
            self.failed.pop(entry.key, None)
        else:
            self.failed[entry.key] = entry
        self._lines.append(json.dumps(asdict(entry), ensure_ascii=False))
        if len(self._lines) >= _LINES or time.monotonic() - self._written > _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what has come together since.

        Raises:
            StoreError: it cannot be written.
        """
        if self._lines:
            self._parts += 1
            self.store.write(f"{LEDGER}/{self._run}-{self._parts:06}.jsonl", _joined(self._lines))
            self._lines = []
        self._write_errors()
        self._written = time.monotonic()

    def _write_errors(self) -> None:
        lines = [
            json.dumps({"name": entry.name, "error": entry.error, **({"shard": entry.shard} if entry.shard else {})},
                       ensure_ascii=False)
            for entry in sorted(self.failed.values(), key=lambda entry: entry.name)
        ]  # fmt: skip
        if lines:
            self.store.write(ERRORS, _joined(lines))
            self.errors_there = True
        elif self.errors_there:
            self.store.delete(ERRORS)
            self.errors_there = False


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _shown(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"sha256"}:
        return f"{value['sha256'][:12]}…"
    return "none" if value is None else str(value)
