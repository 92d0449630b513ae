"""What a destination holds already, and so what is left to do."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from mmnet.batch.errors import OtherJobError
from mmnet.batch.ledger import ERRORS, JOB, Entry, Ledger, check_same, read_job, read_ledger
from mmnet.batch.plan import Image, Source, Task, file_tasks, is_shard, name_outputs, shard_tasks, task_size
from mmnet.batch.store import RECORDS, Store
from mmnet.batch.worker import held_by_shard
from mmnet.runtime.fullres.rendering import ResultKind

FILES, PARQUET = "files", "parquet"


@dataclass
class Standing:
    """Where a job stands before a run.

    Attributes:
        ledger: of this run, with the failures of earlier ones that stay.
        images: to be made.
        skipped: how many have their result.
        shards: output -> the shard that lacks its result, and is made again.
    """

    ledger: Ledger
    images: list[Image]
    skipped: int
    shards: dict[str, str] = field(default_factory=dict)

    def tasks(self, shape: str, shard_size: int, workers: int) -> list[Task]:
        """What the workers are to do.

        Args:
            shape: `files` or `parquet`.
            shard_size: images a shard.
            workers: how many there are.
        """
        if shape == PARQUET:
            return shard_tasks(self.images, shard_size, self.shards)
        return file_tasks(self.images, task_size(len(self.images), workers))


def take_stock(
    destination: Store,
    sources: list[Source],
    kind: ResultKind,
    job: dict[str, Any],
    *,
    retry: bool,
    force: bool,
) -> Standing:
    """Compare what there is with what there should be, by one listing; note in the destination what it is for.

    Args:
        destination: to be written to.
        sources: all images.
        kind: what is made of them.
        job: as `job_description`.
        retry: whether to make again what failed before.
        force: whether to remove first what is there.

    Raises:
        OtherJobError: it holds something else, and `force` is false.
        BatchError: it cannot be read or written.
    """
    files = {file.name for file in destination.files() if file.size}
    if force:
        files = _clear(destination, sources, kind, files)
    found = read_job(destination, files)
    if found is not None:
        check_same(found, job, destination.uri)
    held = _held_files(destination, files) if job["to"] == FILES else _held_rows(destination, files)
    images, refused = name_outputs(sources, kind, {entry.name: entry.output for entry in held.made.values()})
    there = files if job["to"] == FILES else held.made
    present = [image for image in images if image.output in there]
    if found is None:
        if present:
            raise OtherJobError(
                f"{destination.uri}/{present[0].output}: is there already, and not from mmnet batch; name another "
                "destination, or remove it with --force"
            )
        destination.write(JOB, json.dumps(job, indent=1, ensure_ascii=False).encode() + b"\n")
    destination.sweep()

    ledger = Ledger(destination, errors_there=ERRORS in files)
    for entry in held.unrecorded:
        ledger.record(entry)
    for image in present:
        if image.output not in held.made:
            ledger.record(Entry(image.source.name, image.output))
    for name, problem in refused.items():
        ledger.record(Entry(name, "", error=f"{name!r}: {problem}"))
    left = [image for image in images if image.output not in there]
    if retry:
        shards = {entry.output: entry.shard for entry in held.shelf if entry.shard}
        again = {shard for shard in shards.values() if shard in held.lacking}
        shards = {output: shard for output, shard in shards.items() if shard in again}
        left = [image for image in images if image.output not in there or image.output in shards]
        return Standing(ledger, left, len(images) - len(left), shards)
    planned = {image.output for image in left}
    ledger.failed.update({key: entry for key, entry in held.failed.items() if key in planned})
    left = [image for image in left if image.output not in held.failed]
    return Standing(ledger, left, len(present))


@dataclass
class _Held:
    """What earlier runs have come to, by output."""

    made: dict[str, Entry]
    failed: dict[str, Entry]
    unrecorded: list[Entry] = field(default_factory=list)

    @property
    def shelf(self) -> list[Entry]:
        return [*self.made.values(), *self.failed.values()]

    @property
    def lacking(self) -> set[str]:
        return {entry.shard for entry in self.failed.values() if entry.shard}


def _held_files(destination: Store, files: Collection[str]) -> _Held:
    last = {entry.key: entry for entry in read_ledger(destination, files)}
    return _Held(
        {key: entry for key, entry in last.items() if key in files and not entry.error},
        {key: entry for key, entry in last.items() if key not in files and entry.error},
    )


def _held_rows(destination: Store, files: Collection[str]) -> _Held:
    """By the shards that are there: the ledger's entries of them, or, of one that it does not know, its own rows."""
    shards = {name for name in files if is_shard(name)}
    recorded = {entry.key: entry for entry in read_ledger(destination, files) if entry.shard in shards}
    known = {entry.shard for entry in recorded.values()}
    unrecorded = [entry for shard in sorted(shards - known) for entry in held_by_shard(destination, shard)]
    entries = [*recorded.values(), *unrecorded]
    return _Held(
        {entry.key: entry for entry in entries if not entry.error},
        {entry.key: entry for entry in entries if entry.error},
        unrecorded,
    )


def _clear(destination: Store, sources: list[Source], kind: ResultKind, files: Collection[str]) -> set[str]:
    """Remove results, and at last the records; what else lies there stays. Returns what is left."""
    outputs = {image.output for image in name_outputs(sources, kind)[0]}
    ours = {name for name in files if name.startswith(f"{RECORDS}/") or is_shard(name) or name == ERRORS}
    if JOB in files:
        outputs |= {entry.output for entry in read_ledger(destination, files)}
    results = {name for name in files if name in outputs}
    for name in [*sorted(results), *sorted(ours - {JOB}), JOB]:
        if name in files:
            destination.delete(name)
    return set(files) - results - ours
