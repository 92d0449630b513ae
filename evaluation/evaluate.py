"""Models × pictures → figures, on every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.errors import MMNetError
from mmnet.evaluation.datasets.pairs import Pair
from mmnet.evaluation.figures import FIGURES, WORST_BY, Truth, measure
from mmnet.evaluation.models import Candidate, Matter
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.statistics import Statistics, summarise

Picture = TypeVar("Picture")
Row = TypeVar("Row")


class EvaluationError(MMNetError):
    """There is nothing to evaluate, or a model failed on a picture."""


@dataclass(frozen=True)
class Result:
    """One model's figures.

    Attributes:
        candidate: the model.
        statistics: figure name -> its statistics over the pictures.
        pictures: picture name -> figure name -> value, NaN where the picture has none.
    """

    candidate: Candidate
    statistics: dict[str, Statistics]
    pictures: dict[str, dict[str, float]]

    def worst(self, count: int) -> list[tuple[str, float]]:
        """The `count` pictures of the highest MAD at the photo's size, the worst first; of equals, by name."""
        ranked = sorted((-figures[WORST_BY], name) for name, figures in self.pictures.items())
        return [(name, -value) for value, name in ranked[:count]]


def evaluate(
    candidates: Sequence[Candidate],
    pairs: Sequence[Pair],
    resize: Resize,
    *,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Result]:
    """Measure every model on every picture.

    The result does not depend on the number of threads: each picture is one thread's, each interpreter runs on one.

    Args:
        candidates: at least one.
        pairs: at least one.
        resize: how photos and mattes come to the models' square.
        threads: >= 1; None: one a core.
        progress: called with the pictures done and their total.

    Raises:
        EvaluationError: no model, no picture, or no thread.
        DatasetError: a pair cannot be read.
        ModelError: a model cannot be run, or computes no alpha.
    """
    rows = each_picture(
        candidates,
        pairs,
        lambda pair, matters: measure_picture(*pair.read(), matters, resize),
        floats=resize.floats,
        threads=threads,
        progress=progress,
    )
    return collected(candidates, pairs, rows)


def each_picture(
    candidates: Sequence[Candidate],
    pictures: Sequence[Picture],
    measure: Callable[[Picture, Sequence[Matter]], Row],
    *,
    floats: bool = False,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """`measure` of every picture, in their order, with all the models loaded: several pictures at a time.

    Args:
        candidates: at least one.
        pictures: at least one.
        measure: called with a picture and the loaded models, which are its thread's own.
        floats: whether photos come to the models in floats.
        threads: >= 1; None: one a core.
        progress: called with the pictures done and their total.

    Raises:
        EvaluationError: no model, no picture, or no thread; and whatever `measure` raises.
    """
    threads = os.cpu_count() or 1 if threads is None else threads
    if not candidates or not pictures or threads < 1:
        raise EvaluationError(
            f"{len(candidates)} models, {len(pictures)} pictures, {threads} threads: give at least one"
        )
    threads = min(threads, len(pictures))
    rows: list[Row] = []
    with ExitStack() as stack:
        stack.enter_context(_opencv_single_threaded())
        workers: SimpleQueue[list[Matter]] = SimpleQueue()
        for _ in range(threads):
            workers.put([stack.enter_context(closing(candidate.load(floats=floats))) for candidate in candidates])

        def measured(picture: Picture) -> Row:
            matters = workers.get()
            try:
                return measure(picture, matters)
            finally:
                workers.put(matters)

        pool = stack.enter_context(ThreadPoolExecutor(threads))
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        for done, row in enumerate(pool.map(measured, pictures), start=1):
            rows.append(row)
            progress(done, len(pictures))
    return rows


def measure_picture(
    photo: NDArray[np.uint8], mask: NDArray[np.uint8], matters: Sequence[Matter], resize: Resize
) -> list[dict[str, float]]:
    """Every model's figures of one picture.

    Args:
        photo: uint8 [H, W, 3].
        mask: α*, uint8 [H, W], 255 = the person.
        matters: the loaded models.
        resize: how photo and matte come to their square.

    Raises:
        ModelError: one cannot be run, or computes no alpha.
    """
    truth = Truth(mask, resize)
    inputs = {size: resize.photo(photo, size) for size in {matter.size for matter in matters}}
    return [measure(matter.run_float(inputs[matter.size]), truth) for matter in matters]


def collected(
    candidates: Sequence[Candidate], pairs: Sequence[Pair], rows: Sequence[Sequence[dict[str, float]]]
) -> list[Result]:
    """One result a model, of what `measure_picture` found: a row a picture."""
    return [
        _result(candidate, {pair.name: row[index] for pair, row in zip(pairs, rows, strict=True)})
        for index, candidate in enumerate(candidates)
    ]


def _result(candidate: Candidate, pictures: dict[str, dict[str, float]]) -> Result:
    names = [figure.name for figure in FIGURES]
    values = np.array([[figures[name] for name in names] for figures in pictures.values()], np.float64)
    return Result(candidate, dict(zip(names, summarise(values), strict=True)), pictures)


@contextmanager
def _opencv_single_threaded() -> Iterator[None]:
    """One thread a picture is enough: OpenCV's own would only be in each other's way."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
