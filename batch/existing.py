"""The existing results of a destination, and the work that remains."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from mmnet.batch.errors import OtherJobError
from mmnet.batch.ledger import ERRORS, JOB, Entry, Ledger, check_same_job, read_job, read_ledger
from mmnet.batch.options import RECORDS, ResultFormat
from mmnet.batch.plan import Image, Source, Task, file_tasks, is_shard, name_outputs, shard_tasks, task_size
from mmnet.batch.store import Store
from mmnet.batch.worker import read_shard_entries
from mmnet.runtime.fullres.rendering import ResultKind
from mmnet.text import json_text


@dataclass
class RemainingWork:
    """The work that is left for a run.

    Attributes:
        ledger: the ledger of this run, with the failures of earlier runs that are not tried again.
        images: the images to render.
        skipped: the number of images whose result exists.
        shards: output -> the existing shard that is written again, since a result is missing in it.
    """

    ledger: Ledger
    images: list[Image]
    skipped: int
    shards: dict[str, str] = field(default_factory=dict)

    def tasks(self, to: str, shard_size: int, workers: int) -> list[Task]:
        """Return the tasks for the workers.

        Args:
            to: the format of the results.
            shard_size: images per shard.
            workers: the number of workers.
        """
        if to == ResultFormat.PARQUET:
            return shard_tasks(self.images, shard_size, self.shards)
        return file_tasks(self.images, task_size(len(self.images), workers))


def scan_destination(
    destination: Store,
    sources: list[Source],
    kind: ResultKind,
    job: dict[str, Any],
    *,
    damaged: Mapping[str, str],
    retry: bool,
    force: bool,
) -> RemainingWork:
    """Compare the results that exist with those that should exist, and write `job.json` into a new destination.

    The destination is listed once.

    Args:
        destination: where the results go.
        sources: all images of the source.
        kind: the kind of the results.
        job: from `job_description`.
        damaged: Parquet file -> why it cannot be used; each is recorded as an image that failed.
        retry: whether images that failed in an earlier run are rendered again.
        force: whether existing results are removed first.

    Raises:
        OtherJobError: the destination holds something else, and `force` is false.
        BatchError: the destination cannot be read or written.
    """
    files = {file.name for file in destination.files() if file.size}
    if force:
        files = _clear(destination, sources, kind, files)
    existing_job = read_job(destination, files)
    if existing_job is not None:
        check_same_job(existing_job, job, destination.uri)
    as_files = job["to"] == ResultFormat.FILES
    existing = _existing_files(destination, files) if as_files else _existing_rows(destination, files)
    assigned = {entry.name: entry.output for entry in existing.done.values()}
    utf8 = not (as_files and destination.takes_any_bytes)
    images, refused = name_outputs(sources, kind, assigned, utf8=utf8)
    outputs = files if as_files else existing.done
    present = [image for image in images if image.output in outputs]
    if existing_job is None:
        if present:
            raise OtherJobError(
                f"{destination.uri}/{present[0].output}: exists, and mmnet batch did not write it; name another "
                "destination, or remove it with force=True"
            )
        destination.write(JOB, json_text(job).encode() + b"\n")
    destination.sweep()

    ledger = Ledger(destination, has_errors_file=ERRORS in files)
    for entry in existing.unrecorded:
        ledger.record(entry)
    for image in present:
        if image.output not in existing.done:
            ledger.record(Entry(image.source.name, image.output))
    for name, problem in refused.items():
        ledger.record(Entry(name, "", error=f"{name!r}: {problem}"))
    for name, problem in damaged.items():
        ledger.record(Entry(name, "", error=problem))
    missing = [image for image in images if image.output not in outputs]
    if retry:
        shards = existing.incomplete_shards()
        again = [image for image in images if image.output not in outputs or image.output in shards]
        return RemainingWork(ledger, again, len(images) - len(again), shards)
    planned = {image.output for image in missing}
    ledger.failed.update({key: entry for key, entry in existing.failed.items() if key in planned})
    untried = [image for image in missing if image.output not in existing.failed]
    return RemainingWork(ledger, untried, len(present))


@dataclass
class _Existing:
    """The outcomes of earlier runs.

    Attributes:
        done: output -> entry of every result that exists.
        failed: output -> entry of every image that failed.
        unrecorded: the entries of results that no ledger holds.
    """

    done: dict[str, Entry]
    failed: dict[str, Entry]
    unrecorded: list[Entry] = field(default_factory=list)

    def incomplete_shards(self) -> dict[str, str]:
        """Return output -> shard for all images of the shards in which an image failed."""
        incomplete = {entry.shard for entry in self.failed.values() if entry.shard}
        entries = [*self.done.values(), *self.failed.values()]
        return {entry.output: entry.shard for entry in entries if entry.shard and entry.shard in incomplete}


def _existing_files(destination: Store, files: Collection[str]) -> _Existing:
    last = {entry.key: entry for entry in read_ledger(destination, files)}
    return _Existing(
        {key: entry for key, entry in last.items() if key in files and not entry.error},
        {key: entry for key, entry in last.items() if key not in files and entry.error},
    )


def _existing_rows(destination: Store, files: Collection[str]) -> _Existing:
    """Return the rows of the shards that exist: from the ledger, or from the shard itself where no ledger holds it."""
    shards = {name for name in files if is_shard(name)}
    recorded = {entry.key: entry for entry in read_ledger(destination, files) if entry.shard in shards}
    known = {entry.shard for entry in recorded.values()}
    unrecorded = [entry for shard in sorted(shards - known) for entry in read_shard_entries(destination, shard)]
    entries = [*recorded.values(), *unrecorded]
    return _Existing(
        {entry.key: entry for entry in entries if not entry.error},
        {entry.key: entry for entry in entries if entry.error},
        unrecorded,
    )


def _clear(destination: Store, sources: list[Source], kind: ResultKind, files: Collection[str]) -> set[str]:
    """Remove the results, then the records, and leave all other files. Returns the names of the files that remain."""
    outputs = {image.output for image in name_outputs(sources, kind)[0]}
    records = {name for name in files if name.startswith(f"{RECORDS}/") or is_shard(name) or name == ERRORS}
    if JOB in files:
        outputs |= {entry.output for entry in read_ledger(destination, files)}
    results = {name for name in files if name in outputs}
    for name in [*sorted(results), *sorted(records - {JOB}), JOB]:
        if name in files:
            destination.delete(name)
    return set(files) - results - records
