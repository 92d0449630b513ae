"""Measurement of every model on every frame sequence, frame by frame and with temporal smoothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array, U8Array
from mmnet.evaluation import metrics
from mmnet.evaluation.datasets.sequences import FrameSequence
from mmnet.evaluation.evaluate import Result, each_image
from mmnet.evaluation.figures import Comparison, Truth
from mmnet.evaluation.framing import FramedPhoto, PhotoAlpha, PlacedAlpha
from mmnet.evaluation.models import Candidate, LoadedModel
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.statistics import Statistics, summarise
from mmnet.evaluation.video.metrics import DTSSD_SCALE, MESSDDT_SCALE, dtssd, messddt, true_flow
from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit
from mmnet.runtime.imaging.tracking import CropTracker
from mmnet.runtime.video.smoothing import TemporalSmoother

SMOOTHED = " smoothed"

# Figure name -> value of one sequence, frame by frame and smoothed.
_Figures = tuple[dict[str, float], dict[str, float]]


@dataclass(frozen=True)
class VideoFigure:
    """One row of the report: the mean over the frames of a sequence, or over its pairs of successive frames.

    Attributes:
        name: its name in tables and in JSON.
        definition: its definition.
        higher_is_better: whether larger values are better; false for all of them.
    """

    name: str
    definition: str
    higher_is_better: bool = False


VIDEO_FIGURES = (
    VideoFigure("MAD", "mean |α − α*| at the frame's size"),
    VideoFigure(
        "MAD_band", f"the same within {metrics.BAND_WIDTH:.0%} of the longer side from the edge α* = 0.5 of the frame"
    ),
    VideoFigure(
        "GAUSS_GRAD_256x256", "mean |∇α − ∇α*| at 256×256, first derivative of a Gaussian, σ 1.4, as for photos"
    ),
    VideoFigure("dtSSD", "√ mean (dα/dt − dα*/dt)² × 10², dt one frame, at the frame's size"),
    VideoFigure(
        "MESSDdt",
        "mean |(α − α*)² − (α − α*)² one frame later, along the motion of α*| × 10³, at the frame's size",
    ),
)
NAMES = tuple(figure.name for figure in VIDEO_FIGURES)


@dataclass(frozen=True)
class VideoResult:
    """The figures of one model.

    Attributes:
        frame_by_frame, smoothed: the results without and with `TemporalSmoother`; their `images` are sequences.
    """

    frame_by_frame: Result
    smoothed: Result

    @property
    def change(self) -> dict[str, Statistics]:
        """Figure name -> statistics over the sequences of the paired difference, smoothed − frame by frame."""
        before, after = (_values(result) for result in (self.frame_by_frame, self.smoothed))
        return dict(zip(NAMES, summarise(after - before), strict=True))


def evaluate_sequences(
    candidates: Sequence[Candidate],
    sequences: Sequence[FrameSequence],
    resize: Resize,
    fit: Fit = DEFAULT_FIT,
    *,
    smoother: Callable[[], TemporalSmoother] = TemporalSmoother,
    threads: int | None = None,
    frames: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[VideoResult]:
    """Measure every model on every sequence, frame by frame and smoothed.

    The result does not depend on the number of threads: one thread measures a sequence.

    Args:
        candidates: the models; at least one.
        sequences: at least one.
        resize: the resize of frames and mattes to the models' square.
        fit: how frames are brought into that square; with `Fit.AUTO`, a crop follows the people.
        smoother: returns a new smoother; called for every sequence and model.
        threads: the number of threads, >= 1; None: one per core.
        frames: the number of frames of all sequences, for `progress`.
        progress: called with the frames done and their total.

    Returns:
        One result per model, in their order.

    Raises:
        EvaluationError: there is no model, no sequence, or no thread.
        DatasetError: a frame cannot be read.
        ModelError: a model cannot be run, or its alpha is not finite.
    """
    lock, done = Lock(), 0

    def count() -> None:
        nonlocal done
        with lock:
            done += 1
            progress(done, max(done, frames))

    def measure(sequence: FrameSequence, models: Sequence[LoadedModel]) -> list[_Figures]:
        return _measure_sequence(sequence, models, resize, fit, smoother, count)

    rows = each_image(candidates, sequences, measure, floats=resize.floats, threads=threads)
    names = [sequence.name for sequence in sequences]
    return [
        VideoResult(
            _result(candidate, names, [row[index][0] for row in rows]),
            _result(replace(candidate, name=candidate.name + SMOOTHED), names, [row[index][1] for row in rows]),
        )
        for index, candidate in enumerate(candidates)
    ]


class _MatteOverTime:
    """The mattes of one model on one sequence, and the figures of their frames."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []
        self._previous: F32Array | None = None

    def add(self, alpha: PhotoAlpha, truth: Truth, previous_truth: F32Array | None, flow: F32Array | None) -> None:
        comparison = Comparison(truth, alpha)
        at_frame = comparison.at_photo[0]
        row = [
            metrics.mad(*comparison.at_photo),
            metrics.band_mad(*comparison.at_photo, truth.band),
            metrics.gauss_grad(*comparison.at_256),
            float("nan"),
            float("nan"),
        ]
        if self._previous is not None and previous_truth is not None and flow is not None:
            row[3] = DTSSD_SCALE * dtssd(at_frame, self._previous, truth.at_photo, previous_truth)
            row[4] = MESSDDT_SCALE * messddt(self._previous, at_frame, previous_truth, truth.at_photo, flow)
        self.rows.append(row)
        self._previous = at_frame

    def figures(self) -> dict[str, float]:
        """Return the mean of every figure over the frames that have it, by name."""
        columns = np.array(self.rows).T
        return {
            name: float(column[~np.isnan(column)].mean()) if not np.isnan(column).all() else float("nan")
            for name, column in zip(NAMES, columns, strict=True)
        }


def _measure_sequence(
    sequence: FrameSequence,
    models: Sequence[LoadedModel],
    resize: Resize,
    fit: Fit,
    smoother: Callable[[], TemporalSmoother],
    count: Callable[[], None],
) -> list[_Figures]:
    mattes = [(_MatteOverTime(), _MatteOverTime(), smoother(), CropTracker()) for _ in models]
    previous_truth: F32Array | None = None
    for frame, mask in sequence.frames():
        truth = Truth(mask, resize)
        flow = None if previous_truth is None else true_flow(previous_truth, truth.at_photo)
        framed = FramedPhoto(frame, resize)
        for model, (plain, smoothed, smooth, tracker) in zip(models, mattes, strict=True):
            of_frame = framed.alpha(model, fit) if fit is not Fit.AUTO else framed.followed(model, tracker)
            plain.add(of_frame, truth, previous_truth, flow)
            if tracker.jumped:
                smooth.reset()
            (placed,) = of_frame.parts
            image = framed.input(placed.placement, model.size)
            alpha = smooth(placed.alpha, _as_bytes(image))
            smoothed.add(PhotoAlpha((PlacedAlpha(alpha, placed.placement),)), truth, previous_truth, flow)
        previous_truth = truth.at_photo
        count()
    return [(plain.figures(), smoothed.figures()) for plain, smoothed, *_ in mattes]


def _as_bytes(image: U8Array | F32Array) -> U8Array:
    return np.rint(image).clip(0, 255).astype(np.uint8)


def _result(candidate: Candidate, names: Iterable[str], rows: Sequence[dict[str, float]]) -> Result:
    result = Result(candidate, {}, dict(zip(names, rows, strict=True)))
    return replace(result, statistics=dict(zip(NAMES, summarise(_values(result)), strict=True)))


def _values(result: Result) -> NDArray[np.float64]:
    return np.array([[figures[name] for name in NAMES] for figures in result.images.values()], np.float64)
