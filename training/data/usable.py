"""Files that cannot be read, found before anything is made of a data set.

What is made of single images goes on without them. A training, whose result depends on all of its images, names them
all before it begins.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TypeVar

from mmnet.errors import MMNetError
from mmnet.failures import failure_line, note
from mmnet.runtime.imaging.photos import read_photo
from mmnet.training.augment import cut_edges
from mmnet.training.data.layouts import DataError, Pair, Source

Plan = TypeVar("Plan")
Item = TypeVar("Item", Pair, Path)
Progress = Callable[[int, int], None]


class BadFilesError(DataError):
    """Files of a data set cannot be used.

    Attributes:
        problems: one line per file; each names the file and the fix.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


def read_image(item: Pair | Path) -> object:
    """Read a pair as training does, or a photo, and return its pixels; raises as `Pair.read` and `read_photo`."""
    return item.read() if isinstance(item, Pair) else read_photo(item)


def bad_files(
    items: Sequence[Item],
    read: Callable[[Item], object] = read_image,
    *,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> dict[Item, str]:
    """Read images, and return those that cannot be used, each with one line that names the file and the fix.

    Args:
        items: pairs or photos.
        read: reads one; any exception of it means that the item cannot be used.
        workers: threads; None: one per core.
        progress: called with the images read and their total.
    """

    def problem_of(item: Item) -> str | None:
        try:
            read(item)
        except MMNetError as error:  # its message names the file
            return failure_line(error)
        except Exception as error:  # of one item: the others are read nevertheless
            return failure_line(error, item.photo if isinstance(item, Pair) else item)
        return None

    found: dict[Item, str] = {}
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for done, (item, problem) in enumerate(zip(items, pool.map(problem_of, items), strict=True), start=1):
            if problem is not None:
                found[item] = problem
            progress(done, len(items))
    return found


def check_images(
    sources: Sequence[Source],
    backgrounds: Sequence[Path] = (),
    *,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> None:
    """Read all images of a training once, with the reader of `mmnet data check`, and raise if some cannot be used.

    Files without a partner are left out of a training. Their number is noted in the log.

    Args:
        sources: data sets.
        backgrounds: photos.
        workers: threads; None: one per core.
        progress: called with the images read and their total.

    Raises:
        BadFilesError: it lists all files that cannot be used.
    """
    for source in sources:
        if source.unpaired:
            path, why = source.unpaired[0]
            note(
                f"{source.root}: left out {len(source.unpaired)} files, such as {path} ({why}); "
                "`mmnet data check` lists them"
            )
    pairs = [pair for source in sources for pair in source.pairs]
    problems = bad_files(pairs, workers=workers, progress=_continued(progress, 0, len(backgrounds)))
    photos = bad_files(backgrounds, workers=workers, progress=_continued(progress, len(pairs), 0))
    if problems or photos:
        raise BadFilesError([*problems.values(), *photos.values()])


def plan_without_bad_files(
    plan: Callable[[Sequence[Pair], Sequence[Path]], Sequence[Plan]],
    images_of: Callable[[Plan], tuple[Sequence[Pair], Sequence[Path]]],
    pairs: Sequence[Pair],
    backgrounds: Sequence[Path],
    read: Callable[[Pair], object] = read_image,
    *,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> tuple[Sequence[Plan], list[str]]:
    """Plan composites of images that can all be used. Only the images of the plans are read.

    The plans depend on the arguments and on the files alone.

    Args:
        plan: plans composites of pairs and backgrounds.
        images_of: returns the pairs and the backgrounds of one plan.
        pairs: the pairs to choose from.
        backgrounds: the backgrounds to choose from; there may be none.
        read: reads a pair.
        workers: threads; None: one per core.
        progress: called with the images read and their number so far.

    Returns:
        The plans, and one line for each file that was left out.

    Raises:
        BadFilesError: no pair, or none of the backgrounds, can be used.
    """
    tried: set[Pair | Path] = set()
    problems: list[str] = []
    while True:
        plans = plan(pairs, backgrounds)
        used = [images_of(one) for one in plans]
        people = [pair for pair in dict.fromkeys(chain.from_iterable(some for some, _ in used)) if pair not in tried]
        places = [path for path in dict.fromkeys(chain.from_iterable(some for _, some in used)) if path not in tried]
        bad_people = bad_files(people, read, workers=workers, progress=_continued(progress, len(tried), len(places)))
        tried.update(people)
        bad_places = bad_files(places, workers=workers, progress=_continued(progress, len(tried), 0))
        tried.update(places)
        if not bad_people and not bad_places:
            return plans, problems
        problems += [*bad_people.values(), *bad_places.values()]
        pairs = [pair for pair in pairs if pair not in bad_people]
        left = [path for path in backgrounds if path not in bad_places]
        if not pairs or (backgrounds and not left):
            raise BadFilesError(problems)
        backgrounds = left


def _continued(progress: Progress, before: int, after: int) -> Progress:
    """Return a progress whose steps come after and before those of others."""
    return lambda done, total: progress(before + done, before + total + after)


def people_for_small(pairs: Sequence[Pair], workers: int | None = None) -> tuple[list[Pair], list[str]]:
    """Return the pairs whose person can be smaller than the frame: whom neither a side nor the upper edge cuts.

    Args:
        pairs: portraits.
        workers: mattes read at the same time; None: one per core.

    Returns:
        Those pairs, and one line for each matte that cannot be read.

    Raises:
        BadFilesError: no matte can be read.
        DataError: every person is cut.
    """
    whole: set[Pair] = set()

    def measure(pair: Pair) -> None:
        if not any(cut_edges(pair.read_matte())[:3]):  # left, top, right
            whole.add(pair)

    bad = bad_files(pairs, measure, workers=workers)
    if bad and len(bad) == len(pairs):
        raise BadFilesError(bad.values())
    if not whole:
        raise DataError("the edges of their photos cut all people; give photos with room around them, or cut-outs")
    return [pair for pair in pairs if pair in whole], list(bad.values())
