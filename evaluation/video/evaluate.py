"""Models × sequences → figures, frame by frame and smoothed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array, U8Array
from mmnet.evaluation import metrics
from mmnet.evaluation.datasets.sequences import FrameSequence
from mmnet.evaluation.evaluate import Result, each_image
from mmnet.evaluation.figures import PAPER_SIZE, Truth
from mmnet.evaluation.models import Candidate, Matter
from mmnet.evaluation.report import environment, model_entry, nulls
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.statistics import summarise
from mmnet.evaluation.video.metrics import DTSSD_SCALE, MESSDDT_SCALE, dtssd, messddt, true_flow
from mmnet.runtime.video.smoothing import TemporalSmoother

FORMAT = "mmnet-video-evaluation/1"
SMOOTHED = " smoothed"


@dataclass(frozen=True)
class VideoFigure:
    """One row of the report: the mean over a sequence's frames, or pairs of frames.

    Attributes:
        name: in tables and in JSON.
        definition: in words.
        higher_is_better: of none.
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
        "mean |(α − α*)² − (α − α*)² a frame later, along the motion of α*| × 10³, at the frame's size",
    ),
)
NAMES = tuple(figure.name for figure in VIDEO_FIGURES)


@dataclass(frozen=True)
class VideoResult:
    """One model's figures.

    Attributes:
        frame_by_frame, smoothed: without and with `TemporalSmoother`; their `images` are sequences.
        change: figure name -> statistics over the sequences of smoothed − frame by frame, each sequence with itself.
    """

    frame_by_frame: Result
    smoothed: Result

    @property
    def change(self) -> dict[str, Any]:
        before, after = (_values(result) for result in (self.frame_by_frame, self.smoothed))
        return dict(zip(NAMES, summarise(after - before), strict=True))


def evaluate_sequences(
    candidates: Sequence[Candidate],
    clips: Sequence[FrameSequence],
    resize: Resize,
    *,
    smoother: Callable[[], TemporalSmoother] = TemporalSmoother,
    threads: int | None = None,
    frames: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[VideoResult]:
    """Measure every model on every sequence, frame by frame and smoothed.

    The result does not depend on the number of threads: each sequence is one thread's.

    Args:
        candidates: at least one.
        clips: at least one.
        resize: how frames and mattes come to the models' square.
        smoother: makes one, anew for every sequence and model.
        threads: >= 1; None: one a core.
        frames: of all sequences together, for `progress`.
        progress: called with the frames done and their total.

    Raises:
        EvaluationError: no model, no sequence, or no thread.
        DatasetError: a frame cannot be read.
        ModelError: a model cannot be run, or computes no alpha.
    """
    lock, done = Lock(), 0

    def count() -> None:
        nonlocal done
        with lock:
            done += 1
            progress(done, max(done, frames))

    def measure(clip: FrameSequence, matters: Sequence[Matter]) -> list[tuple[dict[str, float], dict[str, float]]]:
        return _measure_clip(clip, matters, resize, smoother, count)

    rows = each_image(candidates, clips, measure, floats=resize.floats, threads=threads)
    names = [clip.name for clip in clips]
    return [
        VideoResult(
            _result(candidate, names, [row[index][0] for row in rows]),
            _result(replace(candidate, name=candidate.name + SMOOTHED), names, [row[index][1] for row in rows]),
        )
        for index, candidate in enumerate(candidates)
    ]


def video_document(
    results: Sequence[VideoResult],
    resize: Resize,
    data: dict[str, Any],
    command: str,
    *,
    groups: dict[str, str],
    worst: int,
    with_sequences: bool = True,
) -> dict[str, Any]:
    """Everything measured, and how, as plain JSON values (null where there is no figure).

    Args:
        results: one a model.
        resize: the one they were measured with.
        data: what they were measured on.
        command: the line that was typed.
        groups: sequence name -> motion, as far as known; means are given for each.
        worst: how many of the worst sequences to name for every model.
        with_sequences: whether to give every sequence's figures.
    """
    smoother = TemporalSmoother()
    models = []
    for result in results:
        entry: dict[str, Any] = {
            key: value
            for key, value in model_entry(result.frame_by_frame, 0, False).items()
            if key not in ("statistics", "worst")
        }
        for key, part in (("frame_by_frame", result.frame_by_frame), ("smoothed", result.smoothed)):
            whole = model_entry(part, worst, with_sequences)
            entry[key] = {"statistics": whole["statistics"], "worst": _renamed(whole["worst"])}
            if groups:
                entry[key]["motions"] = {motion: nulls(means) for motion, means in _by_motion(part, groups).items()}
            if with_sequences:
                entry[key]["sequences"] = whole["images"]
        entry["change"] = {name: nulls(asdict(statistics)) for name, statistics in result.change.items()}
        models.append(entry)
    return {
        "format": FORMAT,
        "command": command,
        "data": data,
        "resize": {"name": resize.name, "what": resize.what},
        **environment("percentile bootstrap of the mean over sequences"),
        "figures": {figure.name: figure.definition for figure in VIDEO_FIGURES},
        "smoother": smoother.options,
        "models": models,
    }


class _Track:
    """One matte over time: what its figures are made of."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []
        self._previous: F32Array | None = None

    def add(self, alpha: F32Array, truth: Truth, previous_truth: F32Array | None, flow: F32Array | None) -> None:
        at_frame, at_256 = truth.resize.alpha(alpha, *truth.mask.shape), alpha
        if alpha.shape != (PAPER_SIZE, PAPER_SIZE):
            at_256 = truth.resize.alpha(alpha, PAPER_SIZE, PAPER_SIZE)
        row = [
            metrics.mad(at_frame, truth.at_photo),
            metrics.band_mad(at_frame, truth.at_photo, truth.band),
            metrics.gauss_grad(at_256, truth.at_256),
            float("nan"),
            float("nan"),
        ]
        if self._previous is not None and previous_truth is not None and flow is not None:
            row[3] = DTSSD_SCALE * dtssd(at_frame, self._previous, truth.at_photo, previous_truth)
            row[4] = MESSDDT_SCALE * messddt(self._previous, at_frame, previous_truth, truth.at_photo, flow)
        self.rows.append(row)
        self._previous = at_frame

    def figures(self) -> dict[str, float]:
        """Figure name -> its mean over the frames that have it."""
        columns = np.array(self.rows).T
        return {
            name: float(column[~np.isnan(column)].mean()) if not np.isnan(column).all() else float("nan")
            for name, column in zip(NAMES, columns, strict=True)
        }


def _measure_clip(
    clip: FrameSequence,
    matters: Sequence[Matter],
    resize: Resize,
    smoother: Callable[[], TemporalSmoother],
    count: Callable[[], None],
) -> list[tuple[dict[str, float], dict[str, float]]]:
    tracks = [(_Track(), _Track(), smoother()) for _ in matters]
    previous_truth: F32Array | None = None
    for frame, mask in clip.frames():
        truth = Truth(mask, resize)
        flow = None if previous_truth is None else true_flow(previous_truth, truth.at_photo)
        inputs = {size: resize.photo(frame, size) for size in {matter.size for matter in matters}}
        for matter, (plain, smoothed, smooth) in zip(matters, tracks, strict=True):
            image = inputs[matter.size]
            alpha = matter.run_float(image)
            plain.add(alpha, truth, previous_truth, flow)
            smoothed.add(smooth(alpha, _as_bytes(image)), truth, previous_truth, flow)
        previous_truth = truth.at_photo
        count()
    return [(plain.figures(), smoothed.figures()) for plain, smoothed, _ in tracks]


def _as_bytes(image: U8Array | F32Array) -> U8Array:
    return np.rint(image).clip(0, 255).astype(np.uint8)


def _result(candidate: Candidate, names: Iterable[str], rows: Sequence[dict[str, float]]) -> Result:
    result = Result(candidate, {}, dict(zip(names, rows, strict=True)))
    return replace(result, statistics=dict(zip(NAMES, summarise(_values(result)), strict=True)))


def _values(result: Result) -> NDArray[np.float64]:
    return np.array([[figures[name] for name in NAMES] for figures in result.images.values()], np.float64)


def _by_motion(result: Result, groups: dict[str, str]) -> dict[str, dict[str, float]]:
    """Motion -> figure name -> mean over its sequences."""
    found: dict[str, dict[str, float]] = {}
    for motion in dict.fromkeys(groups.values()):
        rows = [figures for name, figures in result.images.items() if groups.get(name) == motion]
        if rows:
            found[motion] = {name: float(np.nanmean([row[name] for row in rows])) for name in NAMES}
    return found


def _renamed(worst: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{("sequence" if key == "image" else key): value for key, value in entry.items()} for entry in worst]
