"""The records of a job in its destination: what its results are, and what became of each image (the ledger).

| file | content |
|---|---|
| `_mmnet/job.json` | the model, the options and the source; written first, never changed |
| `_mmnet/ledger/RUN-000001.jsonl` | the ledger of one run: one line per image, a new part every few seconds |
| `errors.jsonl` | one line per image that has no result |

Every file appears whole or not at all. The results alone decide what is done: where a run was killed before it wrote
lines of its ledger, the next run writes them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from mmnet.batch.errors import BatchError, OtherJobError
from mmnet.batch.options import RECORDS
from mmnet.batch.store import Store
from mmnet.json_reader import parse_json
from mmnet.text import json_text, printable

FORMAT = "mmnet-batch/1"
JOB = f"{RECORDS}/job.json"
LEDGER = f"{RECORDS}/ledger"
ERRORS = "errors.jsonl"
_TOOLS = ("mmnet", "ai-edge-litert", "numpy", "opencv-python-headless")
# A part of the ledger is written after so many lines or seconds.
_PART_LINES, _PART_SECONDS = 5000, 10.0


@dataclass(frozen=True)
class Entry:
    """The outcome of one image: a line of the ledger.

    Attributes:
        name: the name of the image.
        output: the file of its result, or its name within a shard; "" where it can have no result.
        shard: the Parquet file that holds the result; None where the result is a file of its own.
        error: one line that says why there is no result; None if there is one.
        worker: `host:process` that rendered it; "" where a run was killed before it recorded that.
        nobody: whether nobody was found in it; false where a run was killed before it recorded that.
    """

    name: str
    output: str
    shard: str | None = None
    error: str | None = None
    worker: str = ""
    nobody: bool = False

    @property
    def key(self) -> str:
        """The key of the image within its job: its output, since names from Parquet may occur twice."""
        return self.output or self.name


def job_description(rendering: Mapping[str, Any], source: str, to: str) -> dict[str, Any]:
    """Return the content of `job.json`.

    Args:
        rendering: from `RenderOptions.describe`.
        source: the URI of the source.
        to: `files` or `parquet`, the format of the results.
    """
    return {
        "format": FORMAT,
        **rendering,
        "to": str(to),
        "source": source,
        "versions": {tool: version(tool) for tool in _TOOLS},
    }


def read_job(store: Store, files: Iterable[str]) -> dict[str, Any] | None:
    """Read the `job.json` of a destination; None where no job has written to it.

    Args:
        store: the destination.
        files: the names of its files.

    Raises:
        BatchError: `job.json` is damaged, or has another format.
    """
    if JOB not in files:
        return None
    try:
        job = parse_json(store.read(JOB))
    except ValueError as error:
        raise BatchError(f"{store.uri}/{JOB}: is damaged; start again with force=True") from error
    if not isinstance(job, dict) or job.get("format") != FORMAT:
        raise BatchError(
            f"{store.uri}/{JOB}: is not {FORMAT}; name another destination, or start again with force=True"
        )
    return job


def check_same_job(existing: Mapping[str, Any], job: Mapping[str, Any], where: str) -> None:
    """Raise unless a destination holds results of the same job. Versions of the tools may differ.

    Args:
        existing: the destination's `job.json`.
        job: the job that is to be done, from `job_description`.
        where: the URI of the destination.

    Raises:
        OtherJobError: they differ; the message says in which keys.
    """
    keys = [key for key in {**existing, **job} if key != "versions" and existing.get(key) != job.get(key)]
    if not keys:
        return
    fix = "name another destination, or start again with force=True"
    if keys == ["source"]:
        fix = f"name another destination, start again with force=True, or, if the images only moved, edit {where}/{JOB}"
    differences = "; ".join(f"{key} {_shown(existing.get(key))}, not {_shown(job.get(key))}" for key in keys)
    raise OtherJobError(f"{where}: holds results of another job: {printable(differences)}; {fix}")


def read_ledger(store: Store, files: Iterable[str]) -> list[Entry]:
    """Read the ledgers of earlier runs, in their order. The last entry of each key is the valid one.

    Args:
        store: the destination.
        files: the names of its files.

    Raises:
        BatchError: a part of a ledger is damaged.
    """
    entries = []
    for name in sorted(file for file in files if file.startswith(f"{LEDGER}/") and file.endswith(".jsonl")):
        try:
            entries += [_entry(parse_json(line)) for line in store.read(name).splitlines()]
        except (ValueError, TypeError) as error:
            raise BatchError(
                f"{store.uri}/{name}: is damaged; remove it, since the results themselves show what is done"
            ) from error
    return entries


def _entry(fields: dict[str, Any]) -> Entry:
    entry = Entry(**fields)
    texts = (entry.name, entry.output, entry.worker, entry.shard or "", entry.error or "")
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a field is not text")
    if not isinstance(entry.nobody, bool):
        raise TypeError("a field is neither true nor false")
    return entry


@dataclass
class Ledger:
    """The record of one run.

    Attributes:
        store: the destination.
        failed: key -> entry of every image that has no result, those of earlier runs included.
        has_errors_file: whether the destination has an `errors.jsonl`.
    """

    store: Store
    failed: dict[str, Entry] = field(default_factory=dict)
    has_errors_file: bool = False

    def __post_init__(self) -> None:
        self._run = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:6]}"
        self._lines: list[str] = []
        self._parts = 0
        self._written = time.monotonic()

    def record(self, entry: Entry) -> None:
        """Add a line, and write a part when it is due.

        Raises:
            StoreError: the part cannot be written.
        """
        if entry.error is None:
            self.failed.pop(entry.key, None)
        else:
            self.failed[entry.key] = entry
        self._lines.append(json_text(asdict(entry), indent=None))
        if len(self._lines) >= _PART_LINES or time.monotonic() - self._written > _PART_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the lines that are not written yet, and the list of errors.

        Raises:
            StoreError: a file cannot be written.
        """
        if self._lines:
            self._parts += 1
            self.store.write(f"{LEDGER}/{self._run}-{self._parts:06}.jsonl", _joined(self._lines))
            self._lines = []
        self._write_errors()
        self._written = time.monotonic()

    def _write_errors(self) -> None:
        lines = []
        for entry in sorted(self.failed.values(), key=lambda entry: entry.name):
            shard = {"shard": entry.shard} if entry.shard else {}
            lines.append(json_text({"name": entry.name, "error": entry.error, **shard}, indent=None))
        if lines:
            self.store.write(ERRORS, _joined(lines))
            self.has_errors_file = True
        elif self.has_errors_file:
            self.store.delete(ERRORS)
            self.has_errors_file = False


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _shown(value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"sha256"}:
        return f"{str(value['sha256'])[:12]}…"
    return "none" if value is None else str(value)[:80]
