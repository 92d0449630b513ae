"""Accuracy of models: on photos with known mattes (`evaluate`), and on frame sequences (`evaluate_videos`)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmnet.api.documents import json_text, save_text
from mmnet.api.models import (
    ModelSource,
    StageProgress,
    convert_checkpoints,
    no_progress,
    open_models,
    stage_progress,
)
from mmnet.arguments import checked_arguments
from mmnet.evaluation.datasets.pairs import check_pairs, load_pairs
from mmnet.evaluation.datasets.sequences import check_sequences, load_sequences, read_motions
from mmnet.evaluation.evaluate import EvaluationError, Result, evaluate_candidates
from mmnet.evaluation.figures import FIGURES
from mmnet.evaluation.framing import fit_for
from mmnet.evaluation.report import document, figure_text, text_table
from mmnet.evaluation.resize import Resize, choose_resize
from mmnet.evaluation.statistics import LEVEL, Statistics
from mmnet.evaluation.video.evaluate import SMOOTHED, VIDEO_FIGURES, VideoResult, evaluate_sequences
from mmnet.evaluation.video.report import video_document
from mmnet.network.resolve import DEFAULT_FOLDER
from mmnet.runtime.imaging.fit import Fit

_WORST = 5
_LEGEND = f"mean ({100 * LEVEL:g} % interval)"


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The accuracy of models on photos; `print(evaluation)` shows a table.

    Attributes:
        results: one per model, in the order given: `statistics` by figure, and `images` by name.
        resize: the resize of photos and mattes to the models' square.
        fit: how photos were brought into that square.
        data: the description of the photos: folder, split, number of images, hash.
        command: the command line, if there was one.
    """

    results: tuple[Result, ...]
    resize: Resize
    fit: Fit
    data: Mapping[str, Any]
    command: str | None = None

    def __getitem__(self, model: str) -> Mapping[str, Statistics]:
        """Return the statistics of a model by its name: figure name -> mean, deviation and interval."""
        return _named(self.results, model).statistics

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models."""
        return tuple(result.name for result in self.results)

    def document(self, *, worst: int = _WORST, with_images: bool = True) -> dict[str, Any]:
        """Return all results, and how they were measured, as plain JSON values.

        Args:
            worst: the number of worst images to name for every model.
            with_images: whether to include the figures of every image.
        """
        data = dict(self.data)
        return document(self.results, self.resize, self.fit, data, self.command, worst=worst, with_images=with_images)

    def to_json(self, *, worst: int = _WORST, with_images: bool = True) -> str:
        """Return `document` as JSON text."""
        return json_text(self.document(worst=worst, with_images=with_images))

    def save_json(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write `to_json` to a file; raises as `mmnet.api.documents.save_text`."""
        save_text(path, self.to_json() + "\n", force=force)

    def __repr__(self) -> str:
        return f"Evaluation(models={list(self.models)}, images={self.data['images']}, data={self.data['folder']!r})"

    def __str__(self) -> str:
        rows = ([figure.name, *(_mean_text(self[model][figure.name]) for model in self.models)] for figure in FIGURES)
        how = f"{self.data['images']} images, fit {self.fit}, resized {self.resize.what}"
        return f"{text_table(['', *self.models], rows)}\n\n{_LEGEND}; {how}"


@dataclass(frozen=True, repr=False)
class VideoEvaluation:
    """The accuracy and stability of models on frame sequences; `print(evaluation)` shows a table.

    Attributes:
        results: one per model, in the order given: `frame_by_frame`, `smoothed`, and `change` from one to the other.
        resize: the resize of frames and mattes to the models' square.
        fit: how frames were brought into that square.
        data: the description of the sequences: folder, split, numbers of sequences and frames, hash.
        motions: sequence name -> motion, for sequences that `mmnet data sequences` wrote.
        command: the command line, if there was one.
    """

    results: tuple[VideoResult, ...]
    resize: Resize
    fit: Fit
    data: Mapping[str, Any]
    motions: Mapping[str, str] = field(default_factory=dict)
    command: str | None = None

    def __getitem__(self, model: str) -> Mapping[str, Statistics]:
        """Return the statistics of a model by its name; add " smoothed" for those with temporal smoothing."""
        return _named(self.columns, model).statistics

    @property
    def columns(self) -> tuple[Result, ...]:
        """The results of every model, frame by frame and smoothed."""
        return tuple(part for result in self.results for part in (result.frame_by_frame, result.smoothed))

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models."""
        return tuple(result.frame_by_frame.name for result in self.results)

    def document(self, *, worst: int = _WORST, with_sequences: bool = True) -> dict[str, Any]:
        """Return all results, and how they were measured, as plain JSON values.

        Args:
            worst: the number of worst sequences to name for every model.
            with_sequences: whether to include the figures of every sequence.
        """
        return video_document(
            self.results,
            self.resize,
            self.fit,
            dict(self.data),
            self.command,
            motions=self.motions,
            worst=worst,
            with_sequences=with_sequences,
        )

    def to_json(self, *, worst: int = _WORST, with_sequences: bool = True) -> str:
        """Return `document` as JSON text."""
        return json_text(self.document(worst=worst, with_sequences=with_sequences))

    def save_json(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write `to_json` to a file; raises as `mmnet.api.documents.save_text`."""
        save_text(path, self.to_json() + "\n", force=force)

    def __repr__(self) -> str:
        counts = f"sequences={self.data['sequences']}, frames={self.data['frames']}"
        return f"VideoEvaluation(models={list(self.models)}, {counts}, data={self.data['folder']!r})"

    def __str__(self) -> str:
        names = [name for model in self.models for name in (model, model + SMOOTHED)]
        rows = ([figure.name, *(_mean_text(self[name][figure.name]) for name in names)] for figure in VIDEO_FIGURES)
        counts = f"{self.data['sequences']} sequences, {self.data['frames']} frames"
        return f"{text_table(['', *names], rows)}\n\n{_LEGEND}; {counts}, fit {self.fit}, resized {self.resize.what}"


@checked_arguments
def evaluate(
    models: ModelSource | Sequence[ModelSource],
    data: str | os.PathLike[str],
    *,
    split: str | None = None,
    resize: str = "runtime",
    fit: Fit | str | None = None,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    threads: int | None = None,
    ray: bool = False,
    address: str | None = None,
    workers: int | None = None,
    progress: StageProgress = no_progress,
    command: str | None = None,
) -> Evaluation:
    """Measure models on photos whose alpha mattes are known.

    Args:
        models: one model or several. A model is the path or the bytes of a .tflite (ours, or MediaPipe's
            selfie_segmentation.tflite), or the name or path of a checkpoint, measured as its float .tflite.
        data: the folder that holds `image` and `mask`, paired by stem, or splits that do.
        split: the split to take, for example `test`; None: the folder itself.
        resize: the resize of photos and mattes: `runtime`, or `original` for that of the original training code.
        fit: how photos are brought into the models' square: `stretch`, `crop`, `letterbox` or `auto`. None: `auto`, as
            the runtime does it, and `stretch` with the resize `original`.
        checkpoint_dir: the folder that holds the checkpoints.
        threads: the number of images at a time; None: one per core.
        ray: whether workers of Ray measure, instead of this process; needs the extra `ray`.
        address: with `ray`, HOST:PORT of a cluster whose machines see the images under the same path; None: this
            machine.
        workers: with `ray`, the number of workers, one core each; None: one per core.
        progress: called with the stage, what is done, and the total.
        command: the command line to name in the document.

    Raises:
        EvaluationError: there is no model, or a worker failed.
        ResizeError, FitError: `resize` or `fit` is unknown.
        DatasetError: some images cannot be used; it lists all of them, and nothing is measured.
        ModelError: a model cannot be used.
        MMNetError: a checkpoint cannot be used.
    """
    chosen, folder = choose_resize(resize), Path(data)
    how = fit_for(fit, chosen)
    opened = open_models(_sources(models), checkpoint_dir)
    pairs = load_pairs(folder, split)
    if ray:
        from mmnet.batch.evaluation import evaluate_on_ray

        candidates = convert_checkpoints(opened, progress)
        measuring = stage_progress("measuring", progress)
        results, sha256 = evaluate_on_ray(candidates, pairs, chosen, address, workers, measuring, fit=how)
    else:
        sha256 = check_pairs(pairs, stage_progress("reading images", progress))
        candidates = convert_checkpoints(opened, progress)
        measuring = stage_progress("measuring", progress)
        results = evaluate_candidates(candidates, pairs, chosen, how, threads=threads, progress=measuring)
    described = {"folder": str(folder), "split": split, "images": len(pairs), "sha256": sha256}
    return Evaluation(tuple(results), chosen, how, described, command)


@checked_arguments
def evaluate_videos(
    models: ModelSource | Sequence[ModelSource],
    data: str | os.PathLike[str],
    *,
    split: str | None = None,
    resize: str = "runtime",
    fit: Fit | str | None = None,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    threads: int | None = None,
    progress: StageProgress = no_progress,
    command: str | None = None,
) -> VideoEvaluation:
    """Measure models on frame sequences whose mattes are known, frame by frame and with temporal smoothing.

    Args:
        models: one or more models, as `evaluate` takes them.
        data: the folder of the sequences: NAME/image with NAME/mask, or NAME/com with NAME/pha, or com and pha with
            videos in them. Videos need the extra `video`.
        split: the split to take, for example `test`; None: the folder itself.
        resize: the resize of frames and mattes: `runtime` or `original`.
        fit: how frames are brought into the models' square, as `evaluate` takes it; with `auto`, a crop follows the
            people from frame to frame.
        checkpoint_dir: the folder that holds the checkpoints.
        threads: the number of sequences at a time; None: one per core.
        progress: called with the stage, what is done, and the total.
        command: the command line to name in the document.

    Raises:
        EvaluationError: there is no model.
        ResizeError, FitError: `resize` or `fit` is unknown.
        DatasetError: some sequences cannot be used; nothing is measured.
        ModelError: a model cannot be used.
        MissingExtraError: a sequence is a video and PyAV is not installed.
        MMNetError: a checkpoint cannot be used.
    """
    chosen, folder = choose_resize(resize), Path(data)
    how = fit_for(fit, chosen)
    opened = open_models(_sources(models), checkpoint_dir)
    sequences = load_sequences(folder, split)
    checked = check_sequences(sequences, stage_progress("reading sequences", progress))
    candidates = convert_checkpoints(opened, progress)
    frames = sum(checked.lengths)
    measuring = stage_progress("measuring", progress)
    results = evaluate_sequences(candidates, sequences, chosen, how, threads=threads, frames=frames, progress=measuring)
    described = {
        "folder": str(folder),
        "split": split,
        "sequences": len(sequences),
        "frames": frames,
        "sha256": checked.sha256,
    }
    return VideoEvaluation(tuple(results), chosen, how, described, read_motions(folder, split), command)


def _sources(models: ModelSource | Sequence[ModelSource]) -> Sequence[ModelSource]:
    sources = [models] if isinstance(models, ModelSource) else list(models)
    if not sources:
        raise EvaluationError("nothing to evaluate; give the path or the bytes of a .tflite, or a checkpoint")
    return sources


def _named(results: Sequence[Result], name: str) -> Result:
    for result in results:
        if result.name == name:
            return result
    raise KeyError(f"no model {name!r}; the models are {', '.join(result.name for result in results)}")


def _mean_text(entry: Statistics) -> str:
    return f"{figure_text(entry.mean)} ({figure_text(entry.low)}–{figure_text(entry.high)})"
