"""Measurement of every model on every image, on all cores."""

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
from mmnet.evaluation.figures import FIGURES, WORST_BY, Comparison, Truth, measure
from mmnet.evaluation.framing import FramedPhoto
from mmnet.evaluation.models import Candidate, LoadedModel
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.statistics import Statistics, summarise
from mmnet.failures import failure_line
from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit

Image = TypeVar("Image")
Row = TypeVar("Row")


class EvaluationError(MMNetError):
    """There is nothing to evaluate, or a model fails on an image."""


@dataclass(frozen=True)
class Result:
    """The figures of one model.

    Attributes:
        candidate: the model.
        statistics: figure name -> its statistics over the images.
        images: image name -> figure name -> value, NaN where the image has none.
    """

    candidate: Candidate
    statistics: dict[str, Statistics]
    images: dict[str, dict[str, float]]

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.candidate.name

    def worst(self, count: int) -> list[tuple[str, float]]:
        """Return the `count` images with the highest MAD at the photo's size, the highest first, equal ones by name."""
        ranked = sorted((-figures[WORST_BY], name) for name, figures in self.images.items())
        return [(name, -value) for value, name in ranked[:count]]


def evaluate_candidates(
    candidates: Sequence[Candidate],
    pairs: Sequence[Pair],
    resize: Resize,
    fit: Fit = DEFAULT_FIT,
    *,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Result]:
    """Measure every model on every image.

    The result does not depend on the number of threads: one thread measures an image, and every interpreter runs on
    one.

    Args:
        candidates: the models; at least one.
        pairs: the photos and their mattes; at least one.
        resize: the resize of photos and mattes to the models' square.
        fit: how photos are brought into that square.
        threads: the number of threads, >= 1; None: one per core.
        progress: called with the images done and their total.

    Returns:
        One result per model, in their order.

    Raises:
        EvaluationError: there is no model, no image, or no thread.
        DatasetError: a pair cannot be read.
        ModelError: a model cannot be run, or its alpha is not finite.
    """
    rows = each_image(
        candidates,
        pairs,
        lambda pair, models: measure_image(*pair.read(), models, resize, fit),
        floats=resize.floats,
        threads=threads,
        progress=progress,
    )
    return collect_results(candidates, pairs, rows)


def each_image(
    candidates: Sequence[Candidate],
    images: Sequence[Image],
    measure: Callable[[Image, Sequence[LoadedModel]], Row],
    *,
    floats: bool = False,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """Call `measure` for every image with all the models loaded, several images at a time.

    Args:
        candidates: the models; at least one.
        images: the images, of any type; at least one.
        measure: called with an image and the loaded models; each thread has models of its own.
        floats: whether the models get float32 images.
        threads: the number of threads, >= 1; None: one per core.
        progress: called with the images done and their total.

    Returns:
        What `measure` returned, in the order of the images.

    Raises:
        EvaluationError: there is no model, no image, or no thread; or `measure` raised an exception that is not ours,
            and the message names the image. Other exceptions of `measure` pass through.
    """
    threads = os.cpu_count() or 1 if threads is None else threads
    if not candidates or not images or threads < 1:
        raise EvaluationError(f"{len(candidates)} models, {len(images)} images, {threads} threads: give at least one")
    threads = min(threads, len(images))
    rows: list[Row] = []
    with ExitStack() as stack:
        stack.enter_context(_opencv_single_threaded())
        workers: SimpleQueue[list[LoadedModel]] = SimpleQueue()
        for _ in range(threads):
            workers.put([stack.enter_context(closing(candidate.load(floats=floats))) for candidate in candidates])

        def measured(image: Image) -> Row:
            models = workers.get()
            try:
                return measure(image, models)
            except MMNetError:
                raise
            except Exception as error:
                raise EvaluationError(failure_line(error, getattr(image, "name", None))) from error
            finally:
                workers.put(models)

        pool = stack.enter_context(ThreadPoolExecutor(threads))
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        for done, row in enumerate(pool.map(measured, images), start=1):
            rows.append(row)
            progress(done, len(images))
    return rows


def measure_image(
    photo: U8Array, mask: U8Array, models: Sequence[LoadedModel], resize: Resize, fit: Fit = DEFAULT_FIT
) -> list[dict[str, float]]:
    """Compute every model's figures of one image.

    Args:
        photo: uint8 [H, W, 3], RGB.
        mask: α*, uint8 [H, W], 255 = the foreground.
        models: the loaded models.
        resize: the resize of photo and matte to the models' square.
        fit: how the photo is brought into that square.

    Returns:
        One dictionary per model: figure name -> value.

    Raises:
        ModelError: a model cannot be run, or its alpha is not finite.
    """
    truth, framed = Truth(mask, resize), FramedPhoto(photo, resize)
    return [measure(framed.alpha(model, fit), truth) for model in models]


def compare_image(
    photo: U8Array, mask: U8Array, models: Sequence[LoadedModel], resize: Resize, fit: Fit = DEFAULT_FIT
) -> list[Comparison]:
    """Compute every model's alpha of one image, and return one comparison with the true matte per model.

    Arguments and errors are those of `measure_image`.
    """
    truth, framed = Truth(mask, resize), FramedPhoto(photo, resize)
    return [Comparison(truth, framed.alpha(model, fit)) for model in models]


def collect_results(
    candidates: Sequence[Candidate], pairs: Sequence[Pair], rows: Sequence[Sequence[dict[str, float]]]
) -> list[Result]:
    """Return one result per model.

    Args:
        candidates: the models.
        pairs: the images.
        rows: for each image, what `measure_image` returned.
    """
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
    """Turn off OpenCV's own threads: the images already keep all cores busy."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
