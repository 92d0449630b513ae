"""A parity comparison as a JSON document and as text; `mmnet.evaluation.parity.page` makes the HTML page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mmnet.evaluation.models import Candidate
from mmnet.evaluation.parity.compare import (
    ACCURACY,
    DIFFERENCES,
    RANKED_BY,
    Change,
    ImageParity,
    Interval,
    LimitCheck,
    Parity,
)
from mmnet.evaluation.parity.layers import LayerError
from mmnet.evaluation.parity.origins import different_checkpoints
from mmnet.evaluation.report import environment, nulls, text_table
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.statistics import LEVEL, Statistics
from mmnet.runtime.imaging.fit import Fit

FORMAT = "mmnet-parity/1"
PASSED, EXCEEDED = "✓", "✗"


@dataclass(frozen=True)
class ComparisonReport:
    """A comparison of two models with its circumstances, without a judgement.

    Attributes:
        parity: the comparison.
        data: the description of the images.
        command: the command line; None where there was none.
        resize: the resize that was measured with.
        fit: the fit that was measured with.
    """

    parity: Parity
    data: dict[str, Any]
    command: str | None
    resize: Resize
    fit: Fit


@dataclass(frozen=True)
class ParityReport:
    """A parity comparison with its judgement and its circumstances.

    Attributes:
        parity: the comparison.
        checks: the judgements of the limits.
        strict: whether the upper ends of the intervals were judged.
        data: the description of the images.
        command: the command line; None where there was none.
        resize: the resize that was measured with.
        fit: the fit that was measured with.
        layers: the errors by layer; or, as text, why there are none.
        layer_images: the number of images that those errors are over.
    """

    parity: Parity
    checks: Sequence[LimitCheck]
    strict: bool
    data: dict[str, Any]
    command: str | None
    resize: Resize
    fit: Fit
    layers: Sequence[LayerError] | str
    layer_images: int

    @property
    def comparison(self) -> ComparisonReport:
        """The same without the judgement."""
        return ComparisonReport(self.parity, self.data, self.command, self.resize, self.fit)

    @property
    def passed(self) -> bool:
        """Whether every limit is within its tolerance."""
        return all(check.passed for check in self.checks)

    @property
    def verdict(self) -> str:
        """The verdict as a sentence, with the limits that were exceeded."""
        if self.passed:
            return "Within tolerance"
        return "Beyond tolerance: " + ", ".join(check.limit.what for check in self.checks if not check.passed)

    @property
    def note(self) -> str | None:
        """A sentence where the models were made from different checkpoints, which makes the verdict doubtful."""
        return different_checkpoints(self.parity)


def document(report: ParityReport, *, with_images: bool = True) -> dict[str, Any]:
    """Return the report as plain JSON values (null where there is no figure).

    Args:
        report: the report.
        with_images: whether to include the figures of every image.
    """
    return {
        "format": FORMAT,
        "verdict": {"within": report.passed, "strict": report.strict, "text": report.verdict, "note": report.note},
        "checks": [
            {
                "limit": check.limit.name,
                "what": check.limit.what,
                "measured": nulls(asdict(check.measured)),
                "accepted": check.accepted,
                "passed": check.passed,
                "sure": check.sure,
                **({"image": check.image} if check.image else {}),
            }
            for check in report.checks
        ],
        **measured(report.comparison),
        "layers": report.layers if isinstance(report.layers, str) else [_layer(entry) for entry in report.layers],
        **(image_figures(report.parity) if with_images else {}),
    }


def measured(report: ComparisonReport) -> dict[str, Any]:
    """Return what was measured, and how, as plain JSON values: all but the figures of every image."""
    parity = report.parity
    return {
        "command": report.command,
        "data": report.data,
        "resize": {"name": report.resize.name, "what": report.resize.what},
        "fit": str(report.fit),
        **environment("percentile bootstrap of the mean over images, paired"),
        "models": {role: _model(candidate) for role, candidate in roles(parity)},
        "differences": {
            entry.name: {"definition": entry.definition, **nulls(asdict(parity.differences[entry.name]))}
            for entry in DIFFERENCES
        },
        "accuracy": {
            figure.name: {"definition": figure.definition, **_change(parity.changes[figure.name])}
            for figure in ACCURACY
            if parity.changes
        },
        "worst": [{"image": image.name, RANKED_BY: image.differences[RANKED_BY]} for image in parity.ranked()[:10]],
    }


def image_figures(parity: Parity) -> dict[str, Any]:
    """Return the figures of every image as plain JSON values, under the key `images`."""
    return {"images": {entry.name: _image(entry) for entry in parity.images}}


def roles(parity: Parity) -> list[tuple[str, Candidate]]:
    """Return both models with the names of their roles in JSON."""
    return [("reference", parity.reference), ("other", parity.other)]


def _model(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "kind": candidate.kind,
        "source": candidate.source,
        "size": candidate.size,
        "bytes": len(candidate.content),
        "sha256": candidate.sha256,
        "recipe": dict(candidate.recipe),
        **({} if candidate.accelerator is None else {"accelerator": str(candidate.accelerator)}),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "reference": nulls(asdict(change.reference)),
        "other": nulls(asdict(change.other)),
        "difference": nulls(asdict(change.difference)),
        "increase": nulls(asdict(change.increase)),
        "worse": change.worse,
        "better": change.better,
    }


def _layer(entry: LayerError) -> dict[str, Any]:
    return asdict(entry) | {"sqnr": None if np.isinf(entry.sqnr) else entry.sqnr}


def _image(entry: ImageParity) -> dict[str, Any]:
    values: dict[str, Any] = {"differences": nulls(dict(entry.differences))}
    if entry.accuracy is not None:
        values["accuracy"] = dict(
            zip(("reference", "other"), (nulls(dict(one)) for one in entry.accuracy), strict=True)
        )
    return values


def text(report: ParityReport) -> str:
    """Return the limits, the accuracy of both models if it is known, and the verdict, as plain text."""
    head, rows = limit_rows(report)
    parts = [text_table(head, rows)]
    if report.parity.changes:
        parts.append(text_table(*accuracy_rows(report)))
    note = f"Warning: {report.note}.\n" if report.note else ""
    return "\n\n".join([*parts, f"{worst_text(report)}\n{note}{report.verdict}{undecided_text(report)}"])


def limit_rows(report: ParityReport) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the rows of the table of limits: ✓ or ✗, limit, figure, interval or image, tolerance."""
    rows = [[PASSED if check.passed else EXCEEDED, check.limit.what, *check_texts(check)] for check in report.checks]
    return ["", "limit", "measured", f"{LEVEL:.0%} interval", "accepted"], rows


def accuracy_rows(report: ParityReport) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the rows of the table of accuracy: both means, difference, increase, images worse."""
    rows = []
    for figure in ACCURACY:
        change = report.parity.changes[figure.name]
        rows.append(
            [
                figure.name,
                number(change.reference.mean),
                number(change.other.mean),
                f"{signed(change.difference.mean)} ({interval_text(change.difference, signed)})",
                percent(change.increase.value),
                f"{change.worse} of {change.reference.images}",
            ]
        )
    names = (candidate.name for _, candidate in roles(report.parity))
    return ["", *names, "difference", "increase", "worse on"], rows


def worst_text(report: ParityReport | ComparisonReport) -> str:
    """Return the number of images, and those with the largest difference, as text."""
    worst = ", ".join(f"{entry.name} {entry.differences[RANKED_BY]:.4f}" for entry in report.parity.ranked()[:5])
    return f"{report.data['images']} images; mean |Δα| largest on {worst}"


def check_texts(check: LimitCheck) -> tuple[str, str, str]:
    """Return the figure, its interval (or the name of its image), and the tolerance, as text."""
    show = percent if check.limit.relative else number
    interval = interval_text(check.measured, show) if check.image is None else check.image
    accepted = show(check.accepted)
    return show(check.measured.value), interval, f"at most {accepted}"


def interval_text(interval: Interval | Statistics, show: Callable[[float], str]) -> str:
    """Return the ends of an interval, each formatted by `show`."""
    return f"{show(interval.low)} … {show(interval.high)}"


def undecided_text(report: ParityReport) -> str:
    """Return the limits that lie within the interval of their figure, in brackets; an empty text if there are none."""
    undecided = [check.limit.what for check in report.checks if not check.sure]
    if not undecided:
        return ""
    return f" (but the limit lies within the interval for {', '.join(undecided)}: measure on more images)"


def number(value: float) -> str:
    """Return a figure with five decimals; n/a for NaN."""
    return "n/a" if np.isnan(value) else f"{value:.5f}".replace("-", "−")


def signed(value: float) -> str:
    """Return a figure with five decimals and its sign; n/a for NaN."""
    return "n/a" if np.isnan(value) else f"{value:+.5f}".replace("-", "−")


def percent(value: float) -> str:
    """Return a fraction in per cent with its sign; n/a for NaN."""
    return "n/a" if np.isnan(value) else f"{value:+.2%}".replace("-", "−")
