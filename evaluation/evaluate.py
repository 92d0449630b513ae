"""Models × images → figures, on every core."""

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

from mmnet.arrays import U8Array
from mmnet.errors import MMNetError
from mmnet.evaluation.datasets.pairs import Pair
from mmnet.evaluation.figures import FIGURES, WORST_BY, Truth, measure
from mmnet.evaluation.models import Candidate, Matter
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.statistics import Statistics, summarise

Image = TypeVar("Image")
Row = TypeVar("Row")


class EvaluationError(MMNetError):
    """There is nothing to evaluate, or a model failed on an image."""


@dataclass(frozen=True)
class Result:
    """One model's figures.

    Attributes:
        candidate: the model.
        statistics: figure name -> its statistics over the images.
        images: image name -> figure name -> value, NaN where the image has none.
    """

    candidate: Candidate
    statistics: dict[str, Statistics]
    images: dict[str, dict[str, float]]

    def worst(self, count: int) -> list[tuple[str, float]]:
        """The `count` images of the highest MAD at the photo's size, the worst first; of equals, by name."""
        ranked = sorted((-figures[WORST_BY], name) for name, figures in self.images.items())
        return [(name, -value) for value, name in ranked[:count]]


def evaluate(
    candidates: Sequence[Candidate],
    pairs: Sequence[Pair],
    resize: Resize,
    *,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Result]:
    """Measure every model on every image.

    The result does not depend on the number of threads: each image is one thread's, each interpreter runs on one.

    Args:
        candidates: at least one.
        pairs: at least one.
        resize: how photos and mattes come to the models' square.
        threads: >= 1; None: one a core.
        progress: called with the images done and their total.

    Raises:
        EvaluationError: no model, no image, or no thread.
        DatasetError: a pair cannot be read.
        ModelError: a model cannot be run, or computes no alpha.
    """
    rows = each_image(
        candidates,
        pairs,
        lambda pair, matters: measure_image(*pair.read(), matters, resize),
        floats=resize.floats,
        threads=threads,
        progress=progress,
    )
    return collect_results(candidates, pairs, rows)


def each_image(
    candidates: Sequence[Candidate],
    images: Sequence[Image],
    measure: Callable[[Image, Sequence[Matter]], Row],
    *,
    floats: bool = False,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """`measure` of every image, in their order, with all the models loaded: several images at a time.

    Args:
        candidates: at least one.
        images: at least one.
        measure: called with an image and the loaded models, which are its thread's own.
        floats: whether photos come to the models in floats.
        threads: >= 1; None: one a core.
        progress: called with the images done and their total.

    Raises:
        EvaluationError: no model, no image, or no thread; and whatever `measure` raises.
    """
    threads = os.cpu_count() or 1 if threads is None else threads
    if not candidates or not images or threads < 1:
        raise EvaluationError(f"{len(candidates)} models, {len(images)} images, {threads} threads: give at least one")
    threads = min(threads, len(images))
    rows: list[Row] = []
    with ExitStack() as stack:
        stack.enter_context(_opencv_single_threaded())
        workers: SimpleQueue[list[Matter]] = SimpleQueue()
        for _ in range(threads):
            workers.put([stack.enter_context(closing(candidate.load(floats=floats))) for candidate in candidates])

        def measured(image: Image) -> Row:
            matters = workers.get()
            try:
                return measure(image, matters)
            finally:
                workers.put(matters)

        pool = stack.enter_context(ThreadPoolExecutor(threads))
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        for done, row in enumerate(pool.map(measured, images), start=1):
            rows.append(row)
            progress(done, len(images))
    return rows


def measure_image(photo: U8Array, mask: U8Array, matters: Sequence[Matter], resize: Resize) -> list[dict[str, float]]:
    """Every model's figures of one image.

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


def collect_results(
    candidates: Sequence[Candidate], pairs: Sequence[Pair], rows: Sequence[Sequence[dict[str, float]]]
) -> list[Result]:
    """One result a model, of what `measure_image` found: a row an image."""
    return [
        _result(candidate, {pair.name: row[index] for pair, row in zip(pairs, rows, strict=True)})
        for index, candidate in enumerate(candidates)
    ]


def _result(candidate: Candidate, images: dict[str, dict[str, float]]) -> Result:
    names = [figure.name for figure in FIGURES]
    values = np.array([[figures[name] for name in names] for figures in images.values()], np.float64)
    return Result(candidate, dict(zip(names, summarise(values), strict=True)), images)


@contextmanager
def _opencv_single_threaded() -> Iterator[None]:
    """One thread an image is enough: OpenCV's own would only be in each other's way."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
