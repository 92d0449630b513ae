"""Comparison of two models of which neither is derived from the other: `compare_models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmnet.api.comparing import compare_pair
from mmnet.api.documents import json_text, save_text
from mmnet.api.models import ModelSource, StageProgress, no_progress
from mmnet.arguments import checked_arguments
from mmnet.evaluation.datasets.pairs import Pair, Photo
from mmnet.evaluation.figures import Figure
from mmnet.evaluation.parity.compare import ACCURACY, Change
from mmnet.evaluation.parity.comparison import comparison_document, comparison_text, direction
from mmnet.evaluation.parity.page import comparison_html
from mmnet.evaluation.parity.report import ComparisonReport
from mmnet.network.resolve import DEFAULT_FOLDER
from mmnet.runtime.imaging.fit import Fit

_FIGURES: dict[str, Figure] = {figure.name: figure for figure in ACCURACY}


@dataclass(frozen=True, repr=False)
class ModelComparison:
    """Two models compared on the same images, without a verdict; `print(comparison)` shows differences and accuracy.

    Attributes:
        report: all figures.
        images: the images that were compared on.
    """

    report: ComparisonReport
    images: Sequence[Pair] | Sequence[Photo]

    @property
    def changes(self) -> Mapping[str, Change]:
        """The change of every accuracy figure from the first model to the second; empty without mattes."""
        return self.report.parity.changes

    def direction(self, figure: str) -> str:
        """Return whether the second model is `better` or `worse` by a figure, or `undecided`.

        It is undecided where the 95 % interval of the paired difference holds 0.

        Args:
            figure: the name of an accuracy figure, for example MAD_256x256.

        Raises:
            KeyError: there is no such figure, or there were no mattes.
        """
        return direction(_FIGURES[figure], self.changes[figure])

    def document(self, *, with_images: bool = True) -> dict[str, Any]:
        """Return all figures as plain JSON values; `with_images` includes those of every image."""
        return comparison_document(self.report, with_images=with_images)

    def to_json(self, *, with_images: bool = True) -> str:
        """Return `document` as JSON text."""
        return json_text(self.document(with_images=with_images))

    def save_json(self, path: str | Path, *, force: bool = False) -> None:
        """Write `to_json` to a file; raises as `mmnet.api.documents.save_text`."""
        save_text(path, self.to_json() + "\n", force=force)

    def save_report(self, path: str | Path, *, with_photos: bool = True, force: bool = False) -> None:
        """Write the comparison as one HTML file; arguments and errors are those of `ParityComparison.save_report`."""
        save_text(path, comparison_html(self.report, self.images, with_photos=with_photos), force=force)

    def __repr__(self) -> str:
        parity = self.report.parity
        return f"ModelComparison({parity.other.name!r} against {parity.reference.name!r}, {len(self.images)} images)"

    def __str__(self) -> str:
        return comparison_text(self.report)


@checked_arguments
def compare_models(
    first: ModelSource,
    second: ModelSource,
    data: str | Path,
    *,
    split: str | None = None,
    limit: int | None = None,
    resize: str = "runtime",
    fit: Fit | str | None = None,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    threads: int | None = None,
    progress: StageProgress = no_progress,
    command: str | None = None,
) -> ModelComparison:
    """Compare two models on the same images, for example two trainings, without judging them.

    Every figure is a paired difference on the same image, with a 95 % bootstrap interval. `compare` judges whether a
    quantized model is close enough to its float model.

        comparison = mmnet.compare_models("before", "after", "portraits", split="test")
        print(comparison)
        comparison.direction("MAD_256x256")    # better, worse or undecided

    Args:
        first: the path or the bytes of a .tflite, the name of a model that ships, or the name or path of a checkpoint,
            which is measured as its float .tflite.
        second: the other model, given in the same way.
        data, split, limit, resize, fit, checkpoint_dir, threads, progress, command: as for `mmnet.compare`.

    Raises:
        ResizeError, FitError: `resize` or `fit` is unknown.
        DatasetError: some images cannot be used; it lists all of them, and nothing is compared.
        ModelError: a model cannot be used.
        MMNetError: a checkpoint cannot be used.
    """
    report, images = compare_pair(
        (first, second),
        Path(data),
        split=split,
        limit=limit,
        resize=resize,
        fit=fit,
        checkpoint_dir=checkpoint_dir,
        threads=threads,
        progress=progress,
        command=command,
    )
    return ModelComparison(report, images)
