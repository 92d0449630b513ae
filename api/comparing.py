"""Comparison of two models on the same images (`compare`), and of one model on Arm processors (`compare_on_arm`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmnet.api.checked_model import checked_model
from mmnet.api.documents import json_text, save_text
from mmnet.api.models import (
    ModelSource,
    NamedCheckpoint,
    StageProgress,
    convert_checkpoints,
    no_progress,
    open_models,
    stage_progress,
)
from mmnet.arguments import checked_arguments
from mmnet.evaluation.arm.processors import DEFAULT, choose_processors
from mmnet.evaluation.datasets.pairs import Pair, Photo, check_pairs, load_images
from mmnet.evaluation.framing import fit_for
from mmnet.evaluation.models import Candidate, on_accelerator
from mmnet.evaluation.parity.compare import LimitCheck, NotComparedError, Parity, compare_candidates, judge
from mmnet.evaluation.parity.layers import LayerError, LayersError, layer_errors
from mmnet.evaluation.parity.origins import check_order
from mmnet.evaluation.parity.page import html
from mmnet.evaluation.parity.report import ComparisonReport, ParityReport, document, text
from mmnet.evaluation.parity.tolerances import LIMITS, tolerances
from mmnet.evaluation.resize import choose_resize
from mmnet.network.resolve import DEFAULT_FOLDER, OpenedCheckpoint
from mmnet.runtime import list_photos, to_model_input
from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit, choose_fit
from mmnet.runtime.tflite.inspection import inspect_model
from mmnet.selection import spread_evenly
from mmnet.text import printable

if TYPE_CHECKING:
    from mmnet.evaluation.arm.parity import Outcome
    from mmnet.evaluation.arm.report import Tolerance

_LAYER_IMAGES = 8


@dataclass(frozen=True, repr=False)
class ParityComparison:
    """Two models compared on the same images; `print(comparison)` shows the limits, the accuracy and the verdict.

    Attributes:
        report: all figures, and the judgement of every limit.
        images: the images that were compared on.
    """

    report: ParityReport
    images: Sequence[Pair] | Sequence[Photo]

    @property
    def passed(self) -> bool:
        """Whether every limit is within its tolerance."""
        return self.report.passed

    @property
    def verdict(self) -> str:
        """The verdict as a sentence, with the limits that were exceeded."""
        return self.report.verdict

    @property
    def checks(self) -> Sequence[LimitCheck]:
        """The judgement of every limit."""
        return self.report.checks

    def document(self, *, with_images: bool = True) -> dict[str, Any]:
        """Return all figures as plain JSON values; `with_images` includes those of every image."""
        return document(self.report, with_images=with_images)

    def to_json(self, *, with_images: bool = True) -> str:
        """Return `document` as JSON text."""
        return json_text(self.document(with_images=with_images))

    def save_json(self, path: str | Path, *, force: bool = False) -> None:
        """Write `to_json` to a file; raises as `mmnet.api.documents.save_text`."""
        save_text(path, self.to_json() + "\n", force=force)

    def save_report(self, path: str | Path, *, with_photos: bool = True, force: bool = False) -> None:
        """Write the comparison as one HTML file.

        Args:
            path: the file to write.
            with_photos: whether to show the worst and the median images.
            force: whether an existing file is replaced.

        Raises:
            DatasetError, ModelError: an image cannot be read again, or a model cannot be run.
            OutputExistsError, OutputError: as `mmnet.api.documents.save_text`.
        """
        page = html(self.report, self.images, with_photos=with_photos)
        save_text(path, printable(page, keep="\n"), force=force)

    def __repr__(self) -> str:
        parity = self.report.parity
        return f"ParityComparison({parity.other.name!r} against {parity.reference.name!r}: {self.verdict})"

    def __str__(self) -> str:
        return text(self.report)


@checked_arguments
def compare(
    reference: ModelSource,
    candidate: ModelSource | None,
    data: str | Path,
    *,
    accelerator: str | None = None,
    split: str | None = None,
    limit: int | None = None,
    accepted: Mapping[str, float | None] | None = None,
    strict: bool = False,
    layers: bool = True,
    resize: str = "runtime",
    fit: Fit | str | None = None,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    threads: int | None = None,
    progress: StageProgress = no_progress,
    command: str | None = None,
) -> ParityComparison:
    """Compare a model with its reference on the same images, for example a quantized model with its float model.

    Args:
        reference: a .tflite (its path, bytes or shipped name), or a checkpoint, measured as its float .tflite.
        candidate: the model to compare with the reference, given in the same way; None: the reference itself, on an
            accelerator.
        data: a folder that holds `image` and `mask`, paired by stem, or splits that do; or photos alone, on which only
            the two models can be compared.
        accelerator: what runs the candidate, a .tflite: `cpu` or `gpu`; None: an interpreter, as for the reference.
        split: the split to take, for example `test`; None: the folder itself.
        limit: the largest number of images, spread evenly over the folder; None: all.
        accepted: tolerances by the name of the limit (`max_mad`, `max_image_mad`, `max_mad_increase`,
            `max_gauss_grad_increase`); missing ones are the defaults for the candidate's precision.
        strict: whether the upper end of each 95 % interval has to be within the tolerance, not only the figure.
        layers: whether to compare the outputs of all layers too, on a few images.
        resize: the resize of photos and mattes: `runtime` or `original`.
        fit: how photos are brought into the models' square, as `mmnet.evaluate` takes it. Both models look at the part
            of a photo that the reference's alpha leads to.
        checkpoint_dir: the folder that holds the checkpoints.
        threads: the number of images at a time; None: one per core.
        progress: called with the stage, what is done, and the total.
        command: the command line to name in the report.

    Raises:
        NotComparedError: a tolerance needs mattes and the data has none, its name is unknown, or the two models are
            swapped: the reference is quantized, and the candidate is of a finer precision.
        ResizeError, FitError: `resize` or `fit` is unknown.
        DatasetError: some images cannot be used; it lists all of them, and nothing is compared.
        ModelError: a model cannot be used.
        MMNetError: a checkpoint cannot be used.
    """
    given = dict(accepted or {})
    compared, images = compare_pair(
        (reference, reference if candidate is None else candidate),
        Path(data),
        accelerator=accelerator,
        split=split,
        limit=limit,
        resize=resize,
        fit=fit,
        checkpoint_dir=checkpoint_dir,
        threads=threads,
        progress=progress,
        command=command,
        check=partial(_check_tolerances, given),
        check_models=_check_order,
    )
    parity = compared.parity
    largest = tolerances(parity.other.computed_precision, given)
    report = ParityReport(
        parity,
        judge(parity, largest, strict=strict),
        strict,
        compared.data,
        command,
        compared.resize,
        compared.fit,
        _layer_errors(parity, images, progress) if layers else "The layers were not compared.",
        min(len(images), _LAYER_IMAGES),
    )
    return ParityComparison(report, images)


def compare_pair(
    models: tuple[ModelSource, ModelSource],
    folder: Path,
    *,
    accelerator: str | None = None,
    split: str | None,
    limit: int | None,
    resize: str,
    fit: Fit | str | None,
    checkpoint_dir: str | Path,
    threads: int | None,
    progress: StageProgress,
    command: str | None,
    check: Callable[[Path, bool], None] = lambda folder, with_mattes: None,
    check_models: Callable[[Sequence[Candidate | NamedCheckpoint | OpenedCheckpoint]], None] = lambda opened: None,
) -> tuple[ComparisonReport, Any]:
    """Measure two models on the same images; arguments and errors are those of `compare`.

    Args:
        models: the two models.
        folder: the folder of the images.
        check: called with the folder, and whether its images have mattes, before anything is measured.
        check_models: called with both models, before the images are read.

    Returns:
        The report, and the images.
    """
    chosen = choose_resize(resize)
    how = fit_for(fit, chosen)
    opened = open_models(models, checkpoint_dir)
    if accelerator is not None:
        opened[1] = on_accelerator(opened[1], accelerator)
    check_models(opened)
    images: Any = spread_evenly(load_images(folder, split), limit)
    check(folder, isinstance(images[0], Pair))
    sha256 = check_pairs(images, stage_progress("reading images", progress))
    first, second = convert_checkpoints(opened, progress)
    comparing = stage_progress("comparing", progress)
    parity = compare_candidates(first, second, images, chosen, how, threads=threads, progress=comparing)
    data = {"folder": str(folder), "split": split, "images": len(images), "sha256": sha256}
    return ComparisonReport(parity, data, command, chosen, how), images


def _check_order(opened: Sequence[Candidate | NamedCheckpoint | OpenedCheckpoint]) -> None:
    def described(model: Candidate | NamedCheckpoint | OpenedCheckpoint) -> tuple[str, object]:
        if isinstance(model, Candidate):
            return model.source, model.recipe.get("precision")
        return model.which if isinstance(model, NamedCheckpoint) else model.name, "float32"

    reference, other = opened
    check_order(described(reference), described(other))


def _check_tolerances(given: Mapping[str, float | None], folder: Path, with_mattes: bool) -> None:
    names = [limit.name for limit in LIMITS]
    for name in given:
        if name not in names:
            raise NotComparedError(f"unknown limit {name!r}; the limits are {', '.join(names)}")
    for limit in LIMITS:
        if limit.needs_mattes and not with_mattes and given.get(limit.name) is not None:
            raise NotComparedError(
                f"{folder}: has photos but no mattes, which {limit.option} needs; give a folder with image/ and mask/"
            )


def _layer_errors(
    parity: Parity, images: Sequence[Pair] | Sequence[Photo], progress: StageProgress
) -> list[LayerError] | str:
    if "onnx" in (parity.reference.kind, parity.other.kind) or parity.other.accelerator is not None:
        return "Layers are compared between two .tflite files alone, in an interpreter."
    if parity.reference.size != parity.other.size:
        return "The two models differ in size, and so do their layers."
    progress("comparing layers", 0, 1)
    some: Sequence[Pair | Photo] = spread_evenly(images, _LAYER_IMAGES)
    squares = [to_model_input(image.read()[0], parity.reference.size) for image in some]
    try:
        return layer_errors(parity.reference.content, parity.other.content, squares)
    except LayersError as error:
        return f"{str(error)[:1].upper()}{str(error)[1:]}."
    finally:
        progress("comparing layers", 1, 1)


@dataclass(frozen=True, repr=False)
class ArmComparison:
    """A model on Arm processors compared with this machine; `print(comparison)` shows the verdict per processor.

    Attributes:
        outcomes: one per processor.
        tolerance: the accepted difference of the model's output.
        model, data: the descriptions of the model and of the photos.
        here: the description of this machine: its architecture, Python and versions.
        emulator: the version of QEMU.
        command: the command line, if there was one.
    """

    outcomes: tuple[Outcome, ...]
    tolerance: Tolerance
    model: Mapping[str, Any]
    data: Mapping[str, Any]
    here: Mapping[str, Any]
    emulator: str
    command: str | None = None

    @property
    def verdict(self) -> str:
        """The verdict: `identical`, `within tolerance`, `differs` or `not compared`."""
        from mmnet.evaluation.arm.report import verdict_of, worst

        return worst([verdict_of(outcome, self.tolerance) for outcome in self.outcomes])

    @property
    def passed(self) -> bool:
        """Whether everything was compared, and is identical or within the tolerance."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """The exit code of `mmnet arm-parity`: 0 if passed, 1 for a difference, 2 if not everything was compared."""
        from mmnet.evaluation.arm.report import EXIT_CODES

        return EXIT_CODES[self.verdict]

    def document(self) -> dict[str, Any]:
        """Return all comparisons as plain JSON values."""
        from mmnet.evaluation.arm.report import document

        return document(
            self.outcomes, self.tolerance, self.model, self.data, self.here, self.emulator, command=self.command
        )

    def to_json(self) -> str:
        """Return `document` as JSON text."""
        return json_text(self.document())

    def save_json(self, path: str | Path, *, force: bool = False) -> None:
        """Write `to_json` to a file; raises as `mmnet.api.documents.save_text`."""
        save_text(path, self.to_json() + "\n", force=force)

    def __repr__(self) -> str:
        return f"ArmComparison({self.model['file']!r}: {self.verdict})"

    def __str__(self) -> str:
        from mmnet.evaluation.arm.report import verdict_of

        lines = [f"{outcome.processor.name}: {verdict_of(outcome, self.tolerance)}" for outcome in self.outcomes]
        return "\n".join([f"{self.model['file']} on {self.data['images']} photos", *lines])


@checked_arguments
def compare_on_arm(
    model: str | Path,
    data: str | Path,
    *,
    processors: Sequence[str] = DEFAULT,
    limit: int | None = None,
    fit: Fit | str = DEFAULT_FIT,
    emulator: Path | None = None,
    progress: StageProgress = no_progress,
    command: str | None = None,
) -> ArmComparison:
    """Compare what Arm processors compute with what this machine computes, byte for byte, under emulation.

    Args:
        model: the path of a .tflite of ours, or the name of a model that ships.
        data: a folder of photos.
        processors: the processors to emulate, by QEMU's names.
        limit: the largest number of photos, the first by name; None: all.
        fit: how photos are brought into the model's square.
        emulator: a qemu-aarch64 to use; None fetches the pinned one into the user's cache.
        progress: called with the stage, what is done, and the total.
        command: the command line to name in the document.

    Raises:
        PhotoError: there is no photo in the folder.
        ModelError: the model cannot be used.
        FitError: `fit` is unknown.
        ArmError: the comparison could not be made; UnsupportedHostError: this is not Linux on x86-64.
        OutputError: the cache cannot be written.
    """
    # `fcntl`, which the environment locks with, exists only on Unix.
    from mmnet.evaluation.arm.environment import arm_python, cache_folder
    from mmnet.evaluation.arm.parity import compare_observers, observer_here, observer_on_arm, runtime_code
    from mmnet.evaluation.arm.report import tolerance_for

    how, photos = choose_fit(fit), list_photos(Path(data))[:limit]
    content = checked_model(model)  # once: all processors get these bytes, even if the file changes meanwhile
    precisions = inspect_model(content).precisions
    python = arm_python(cache_folder(), emulator and emulator.absolute(), progress)
    chosen = choose_processors(processors, python.emulator)
    outcomes = []
    with runtime_code(content) as code, observer_here(code, how) as here:
        for processor in chosen:
            progress(processor.name, 0, len(photos))
            open_arm = partial(observer_on_arm, python, processor, code, how)
            advance = stage_progress(processor.name, progress)
            outcomes.append(compare_observers(here, open_arm, processor, photos, advance))
            progress(processor.name, len(photos), len(photos))
    described = {"file": str(model), "sha256": hashlib.sha256(content).hexdigest(), "precisions": dict(precisions)}
    return ArmComparison(
        tuple(outcomes),
        tolerance_for(precisions),
        described,
        {"folder": str(data), "images": len(photos), "fit": str(how)},
        here.described,
        python.version,
        command,
    )
