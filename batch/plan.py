"""The plan of a job: the name of every image's result, and the tasks that render them.

All functions here work on names alone. The plan follows from what the source lists and what the destination lists, so
a job that was killed gets the same plan again, without the results that exist. Nothing but the results is remembered.
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

from mmnet.batch.options import RECORDS
from mmnet.json_reader import parse_json
from mmnet.runtime.fullres.rendering import ResultKind
from mmnet.runtime.jobs.outputs import plan_outputs

_SHARD = re.compile(r"part-[0-9a-f]{16}\.parquet")


class Source(NamedTuple):
    """An image to matte.

    Attributes:
        name: relative to the source, with slashes.
        file: the Parquet file that holds the image, relative to the source; "" for an image that is a file itself.
        group: the row group in that file.
        row: the row in that row group.
    """

    name: str
    file: str = ""
    group: int = 0
    row: int = 0


class Image(NamedTuple):
    """An image and the name of its result: a file relative to the destination, or a row of a shard."""

    source: Source
    output: str


@dataclass(frozen=True)
class Task:
    """Images that one worker renders in one go, all of one row group where they come from Parquet.

    Attributes:
        images: at least one.
        shard: the Parquet file for all of their results; None where each result is a file.
        isolated: whether the images are rendered in a process of their own, since one of them may have killed a worker.
    """

    images: tuple[Image, ...]
    shard: str | None = None
    isolated: bool = False

    def to_json(self) -> str:
        """Return the task as text, which a worker reads with `from_json`."""
        return json.dumps(
            {
                "images": [[*image.source, image.output] for image in self.images],
                "shard": self.shard,
                "isolated": self.isolated,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Return the task that `to_json` wrote."""
        entry = parse_json(text)
        images = tuple(Image(Source(*fields), output) for *fields, output in entry["images"])
        return cls(images, entry["shard"], entry["isolated"])


def name_outputs(
    sources: Sequence[Source], kind: ResultKind, assigned: Mapping[str, str] | None = None, *, utf8: bool = False
) -> tuple[list[Image], dict[str, str]]:
    """Give every result the name that `mmnet matte` gives it, in the folder of its image.

    Args:
        sources: in any order; names from Parquet may be anything, and may occur twice.
        kind: the kind of the results.
        assigned: name -> output of earlier runs, which are kept even if images were added since. A name that occurs
            twice does not tell its images apart, so the order of `sources` decides there.
        utf8: whether the destination takes names in UTF-8 alone.

    Returns:
        The images in the order of `sources`, and name -> problem for the images that can have no result.
    """
    refused = {source.name: problem for source in sources if (problem := _problem(source, utf8))}
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
    """Return tasks of at most `size` images, or of one row group each, since a row group can only be read in order."""
    tasks: list[Task] = []
    for _, members in _by_group(images):
        step = len(members) if members[0].source.file else size
        tasks += [Task(tuple(members[start : start + step])) for start in range(0, len(members), step)]
    return tasks


def shard_tasks(images: Iterable[Image], size: int, shards: Mapping[str, str] | None = None) -> list[Task]:
    """Return one task per shard: of `size` images, or of one row group. A hash of the images names the shard.

    Args:
        images: the images to render.
        size: images per shard, where they are files.
        shards: output -> the shard that holds it already, which is written again under its name.
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
    """Return the name of a shard: `part-` and 16 hexadecimal digits of a SHA-256 over its images.

    The hash covers the names, places and outputs of the images.
    """
    digest = hashlib.sha256()
    for image in images:
        digest.update(json.dumps([*image.source, image.output]).encode() + b"\n")
    return f"part-{digest.hexdigest()[:16]}.parquet"


def is_shard(name: str) -> bool:
    """Whether a file has a name that `shard_name` gives; other tools write files called part-… too."""
    return _SHARD.fullmatch(name) is not None


def task_size(images: int, workers: int, most: int = 32) -> int:
    """Return the images per task: few enough for eight tasks per worker, so that all end together; at most `most`."""
    return max(1, min(most, images // (8 * workers)))


def _by_group(images: Iterable[Image]) -> Iterable[tuple[tuple[str, int], list[Image]]]:
    for key, members in groupby(images, key=lambda image: (image.source.file, image.source.group)):
        yield key, list(members)


def _problem(source: Source, utf8: bool) -> str | None:
    """Return why an image can have no result; None if it can."""
    name = source.name
    if not PurePosixPath(name).parts or name.endswith("/"):
        return "has no name"
    if "\0" in name or name.startswith("/") or ".." in PurePosixPath(name).parts:
        return "its name leads out of the destination; use relative names"
    if (utf8 or source.file) and not _is_utf8(name):
        return "its name is not UTF-8; rename it" + ("" if source.file else ", or write files into a folder")
    # Names in Parquet may come from anybody; those of files were listed, and lead to a file.
    if source.file and "\\" in name:
        return "its name has a backslash, which leads out of folders on some systems; use slashes"
    if source.file and PurePosixPath(name).parts[0].casefold() == RECORDS:
        return f"its name leads into {RECORDS}/, which holds the records of jobs; use another"
    return None


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _free(output: str, name: str, kind: ResultKind, taken: Collection[str]) -> str:
    """Return `output`, or a longer name where an earlier run gave `output` to another image."""
    if output.casefold() not in taken:
        return output
    extension = PurePosixPath(output).suffix
    candidate, number = f"{name}-{kind.suffix}{extension}", 2
    while candidate.casefold() in taken:
        candidate, number = f"{name}-{kind.suffix}-{number}{extension}", number + 1
    return candidate
