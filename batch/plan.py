"""Which result every image gets, and in which tasks they are made: plain functions of names.

A job is planned from what its source lists and what its destination lists already. So a job that was killed is planned
as before, less what is there, and nothing needs to be remembered but the results themselves.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mmnet.runtime.fullres.rendering import ResultKind
from mmnet.runtime.jobs.outputs import plan_outputs

_SHARD = re.compile(r"part-[0-9a-f]{16}\.parquet")


class Source(NamedTuple):
    """An image to matte.

    Attributes:
        name: relative, with slashes.
        file: the Parquet file that holds it, relative to the source; "" for an image that is a file itself.
        group: its row group there.
        row: its row in that group.
    """

    name: str
    file: str = ""
    group: int = 0
    row: int = 0


class Image(NamedTuple):
    """An image and its result: the name of a file, relative to the destination, or within a shard."""

    source: Source
    output: str


@dataclass(frozen=True)
class Task:
    """Images that one worker makes in one go, all of one row group where they come from Parquet.

    Attributes:
        images: at least one.
        shard: the Parquet file that takes all their results; None where each is a file.
        careful: each in a process of its own, since one of them may have killed a worker.
    """

    images: tuple[Image, ...]
    shard: str | None = None
    careful: bool = False

    def to_json(self) -> str:
        """As text, for a worker."""
        return json.dumps(
            {
                "images": [[*image.source, image.output] for image in self.images],
                "shard": self.shard,
                "careful": self.careful,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Task:
        """The task that `to_json` wrote."""
        entry = json.loads(text)
        images = tuple(Image(Source(*fields), output) for *fields, output in entry["images"])
        return cls(images, entry["shard"], entry["careful"])


def name_outputs(
    sources: Sequence[Source], kind: ResultKind, assigned: Mapping[str, str] | None = None
) -> tuple[list[Image], dict[str, str]]:
    """Give every image the name that `mmnet matte` gives it, in the folder that it comes from.

    Args:
        sources: in any order; the names of Parquet may be anything, and occur twice.
        kind: what is made.
        assigned: name -> output of earlier runs, which are kept, whatever came to the images since; of names that
            occur twice nobody can say whose it was, and their order decides.

    Returns:
        The images in the order of `sources`, and name -> problem for those that can have no result.
    """
    refused = {source.name: problem for source in sources if (problem := _problem(source.name))}
    good = [source for source in sources if source.name not in refused]
    known = assigned or {}
    counts = Counter(source.name for source in good)
    folders: dict[PurePosixPath, list[int]] = defaultdict(list)
    outputs: dict[int, str] = {}
    for index, source in enumerate(good):
        if source.name in known and counts[source.name] == 1:
            outputs[index] = known[source.name]
        folders[PurePosixPath(source.name).parent].append(index)
    for folder, members in folders.items():
        jobs = plan_outputs([Path(good[index].name) for index in members], Path(folder), kind, is_folder=True)
        taken = {outputs[index].casefold() for index in members if index in outputs}
        for index, job in zip(members, jobs, strict=True):
            if index not in outputs:
                outputs[index] = _free(job.output.as_posix(), good[index].name, kind, taken)
                taken.add(outputs[index].casefold())
    return [Image(source, outputs[index]) for index, source in enumerate(good)], refused


def file_tasks(images: Iterable[Image], size: int) -> list[Task]:
    """Tasks of at most `size` images that are files; of Parquet, of a row group, which can only be read in a row."""
    tasks: list[Task] = []
    for _, members in _by_group(images):
        step = len(members) if members[0].source.file else size
        tasks += [Task(tuple(members[start : start + step])) for start in range(0, len(members), step)]
    return tasks


def shard_tasks(images: Iterable[Image], size: int, shards: Mapping[str, str] | None = None) -> list[Task]:
    """A task a shard: of `size` images, or of a row group; the shard is named by the hash of what it is made of.

    Args:
        images: to be made.
        size: images a shard, where they are files.
        shards: output -> the shard that it lies in already, which is made again under its name.
    """
    again: dict[str, list[Image]] = defaultdict(list)
    new: list[Image] = []
    for image in images:
        (again[shards[image.output]] if shards and image.output in shards else new).append(image)
    return [
        *(Task(tuple(members), shard) for shard, members in again.items()),
        *(Task(task.images, shard_name(task.images)) for task in file_tasks(new, size)),
    ]


def shard_name(images: Sequence[Image]) -> str:
    """`part-` and 16 hexadecimal digits of the SHA-256 of its images' names, places and outputs."""
    digest = hashlib.sha256()
    for image in images:
        digest.update(json.dumps([*image.source, image.output]).encode() + b"\n")
    return f"part-{digest.hexdigest()[:16]}.parquet"


def is_shard(name: str) -> bool:
    """Whether a file is named as `shard_name` does: other tools write parts of Parquet, too."""
    return _SHARD.fullmatch(name) is not None


def task_size(images: int, workers: int, most: int = 32) -> int:
    """Images a task: several tasks a worker, so that all end together, but not more of them than need be."""
    return max(1, min(most, images // (8 * workers)))


def _by_group(images: Iterable[Image]) -> Iterable[tuple[tuple[str, int], list[Image]]]:
    for key, members in groupby(images, key=lambda image: (image.source.file, image.source.group)):
        yield key, list(members)


def _problem(name: str) -> str | None:
    if not name or name.endswith("/"):
        return "has no name"
    if "\0" in name or name.startswith("/") or ".." in PurePosixPath(name).parts:
        return "its name leads out of the destination; give relative names"
    return None


def _free(output: str, name: str, kind: ResultKind, taken: Collection[str]) -> str:
    """`output`, or, where an earlier run gave that name to another image, one with the whole name in it."""
    if output.casefold() not in taken:
        return output
    extension = PurePosixPath(output).suffix
    candidate, number = f"{name}-{kind.suffix}{extension}", 2
    while candidate.casefold() in taken:
        candidate, number = f"{name}-{kind.suffix}-{number}{extension}", number + 1
    return candidate
