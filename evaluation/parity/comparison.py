"""Two models side by side, neither derived from the other: paired differences and intervals, without a judgement."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmnet.evaluation.figures import WORST_BY, Figure
from mmnet.evaluation.parity.compare import ACCURACY, DIFFERENCES, Change, ImageParity, Parity
from mmnet.evaluation.parity.report import (
    ComparisonReport,
    image_figures,
    interval_text,
    measured,
    number,
    percent,
    signed,
    worst_text,
)
from mmnet.evaluation.report import text_table
from mmnet.evaluation.statistics import LEVEL

FORMAT = "mmnet-comparison/1"
BETTER, WORSE, UNDECIDED = "better", "worse", "undecided"
_NAMED = 5  # images


def direction(figure: Figure, change: Change) -> str:
    """Return whether the second model is better or worse by a figure, or undecided.

    It is undecided where the interval of the paired difference holds 0, or is not known.
    """
    low, high = change.difference.low, change.difference.high
    if np.isnan([low, high]).any() or low <= 0 <= high:
        return UNDECIDED
    return BETTER if (low > 0) is figure.higher_is_better else WORSE


def comparison_document(report: ComparisonReport, *, with_images: bool = True) -> dict[str, Any]:
    """Return the report as plain JSON values (null where there is no figure).

    Args:
        report: the report; the first model is `reference`, the second `other`.
        with_images: whether to include the figures of every image.
    """
    found = {"format": FORMAT, **measured(report)}
    for figure in ACCURACY:
        if figure.name in found["accuracy"]:
            found["accuracy"][figure.name]["other_is"] = direction(figure, report.parity.changes[figure.name])
    return found | (image_figures(report.parity) if with_images else {})


def comparison_text(report: ComparisonReport) -> str:
    """Return the differences, the accuracy of both models if it is known, and the images that differ most, as text."""
    parts = [text_table(*difference_rows(report.parity))]
    if report.parity.changes:
        parts.append(text_table(*change_rows(report.parity)))
    return "\n\n".join([*parts, "\n".join([worst_text(report), *moved_texts(report.parity)])])


def difference_rows(parity: Parity) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the rows of the differences of the alphas: mean, interval, median, largest."""
    rows = []
    for entry in DIFFERENCES:
        values = [image.differences[entry.name] for image in parity.images]
        statistics = parity.differences[entry.name]
        middle, largest = float(np.median(values)), max(values)
        interval = interval_text(statistics, number)
        rows.append([entry.definition, number(statistics.mean), interval, number(middle), number(largest)])
    return ["", "mean", f"{LEVEL:.0%} interval", "median", "largest"], rows


def change_rows(parity: Parity) -> tuple[list[str], list[list[str]]]:
    """Return the heading and the rows of the accuracy: both means, paired difference, interval, increase, direction."""
    rows = []
    for figure in ACCURACY:
        change = parity.changes[figure.name]
        rows.append(
            [
                figure.name,
                number(change.reference.mean),
                number(change.other.mean),
                signed(change.difference.mean),
                interval_text(change.difference, signed),
                percent(change.increase.value),
                direction(figure, change),
            ]
        )
    head = ["", parity.reference.name, parity.other.name, "difference", f"{LEVEL:.0%} interval", "increase"]
    return [*head, "the second is"], rows


def moved_texts(parity: Parity) -> list[str]:
    """Return the images on which the second model is worse and better by the most, a line each; none without mattes."""
    if not parity.changes:
        return []
    ranked = sorted(parity.images, key=lambda image: (-_moved(image), image.name))
    worse = [image for image in ranked[:_NAMED] if _moved(image) > 0]
    better = [image for image in reversed(ranked[-_NAMED:]) if _moved(image) < 0]
    return [
        f"{WORST_BY} {word} on " + (", ".join(f"{image.name} {signed(_moved(image))}" for image in images) or "none")
        for word, images in ((WORSE, worse), (BETTER, better))
    ]


def _moved(image: ImageParity) -> float:
    """Return the change of the figure that images are ranked by, from the first model to the second; 0 without it."""
    if image.accuracy is None:
        return 0.0
    first, second = image.accuracy
    moved = second[WORST_BY] - first[WORST_BY]
    return 0.0 if np.isnan(moved) else moved
