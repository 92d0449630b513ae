"""A parity as lines for people and as a JSON document; as a page: see `mmnet.evaluation.parity.page`."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from mmnet.evaluation.models import Candidate
from mmnet.evaluation.parity.compare import (
    ACCURACY,
    DIFFERENCES,
    RANKED_BY,
    Change,
    Check,
    ImageParity,
    Interval,
    Parity,
)
from mmnet.evaluation.parity.layers import LayerError
from mmnet.evaluation.report import TOOLS, nulls, processor
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.statistics import LEVEL, RESAMPLES, SEED, Statistics

FORMAT = "mmnet-parity/1"


@dataclass(frozen=True)
class Report:
    """Everything that a report tells.

    Attributes:
        parity: what was measured.
        checks: the limits, judged.
        strict: whether the far ends of the intervals were judged.
        data: what was measured on.
        command: the line that was typed.
        resize: the one it was measured with.
        layers: error by layer; or, as text, why there is none.
        layer_images: how many images that error is over.
    """

    parity: Parity
    checks: Sequence[Check]
    strict: bool
    data: dict[str, Any]
    command: str
    resize: Resize
    layers: Sequence[LayerError] | str
    layer_images: int

    @property
    def passed(self) -> bool:
        """The verdict."""
        return all(check.passed for check in self.checks)

    @property
    def verdict(self) -> str:
        """The verdict in a few words."""
        if self.passed:
            return "Within tolerance"
        return "Beyond tolerance: " + ", ".join(check.limit.what for check in self.checks if not check.passed)


def document(report: Report, *, with_images: bool = True) -> dict[str, Any]:
    """The report as plain JSON values (null where there is no figure)."""
    parity = report.parity
    return {
        "format": FORMAT,
        "verdict": {"within": report.passed, "strict": report.strict, "text": report.verdict},
        "checks": [
            {
                "limit": check.limit.name,
                "what": check.limit.what,
                "found": nulls(asdict(check.found)),
                "accepted": check.accepted,
                "passed": check.passed,
                "sure": check.sure,
                **({"image": check.image} if check.image else {}),
            }
            for check in report.checks
        ],
        "command": report.command,
        "data": report.data,
        "resize": {"name": report.resize.name, "what": report.resize.what},
        "interval": {
            "level": LEVEL,
            "method": "percentile bootstrap of the mean over images, paired",
            "resamples": RESAMPLES,
            "seed": SEED,
        },
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
        "layers": report.layers if isinstance(report.layers, str) else [_layer(entry) for entry in report.layers],
        "machine": {"processor": processor(), "system": platform.system(), "python": platform.python_version()},
        "versions": {tool: version(tool) for tool in TOOLS},
    } | ({"images": {entry.name: _image(entry) for entry in parity.images}} if with_images else {})


def roles(parity: Parity) -> list[tuple[str, Candidate]]:
    """Both models under the names that they have in JSON."""
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
    found: dict[str, Any] = {"differences": nulls(dict(entry.differences))}
    if entry.accuracy is not None:
        found["accuracy"] = dict(zip(("reference", "other"), (nulls(dict(one)) for one in entry.accuracy), strict=True))
    return found


# --- for the terminal


def lines(report: Report) -> list[Table | Text]:
    """The verdict, the limits, and the accuracy of both where it is known."""
    checks = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("", "limit", "found", f"{LEVEL:.0%} interval", "accepted"):
        checks.add_column(name, justify="left" if name in ("", "limit") else "right", no_wrap=True)
    for check in report.checks:
        mark = Text("✓", "green") if check.passed else Text("✗", "red")
        found, interval, accepted = check_words(check)
        checks.add_row(mark, check.limit.what, found, Text(interval, "dim"), accepted)
    parts: list[Table | Text] = [checks]
    if report.parity.changes:
        grid = Table(box=None, pad_edge=False, header_style="dim")
        for name in (
            "",
            *(candidate.name for _, candidate in roles(report.parity)),
            "difference",
            "increase",
            "worse on",
        ):
            grid.add_column(Text(name), justify="left" if not name else "right", overflow="fold")
        for figure in ACCURACY:
            change = report.parity.changes[figure.name]
            grid.add_row(
                figure.name,
                number(change.reference.mean),
                number(change.other.mean),
                f"{signed(change.difference.mean)} ({interval_words(change.difference, signed)})",
                percent(change.increase.value),
                f"{change.worse} of {change.reference.images}",
            )
        parts += [Text(), grid]
    worst = ", ".join(f"{entry.name} {entry.differences[RANKED_BY]:.4f}" for entry in report.parity.ranked()[:5])
    parts.append(Text(f"\n{report.data['images']} images; mean |Δα| largest on {worst}", "dim"))
    parts.append(Text(f"{report.verdict}{unsure(report)}", "bold green" if report.passed else "bold red"))
    return parts


def check_words(check: Check) -> tuple[str, str, str]:
    """The figure, its interval (or its image), and what is accepted."""
    show = percent if check.limit.relative else number
    interval = interval_words(check.found, show) if check.image is None else check.image
    accepted = show(check.accepted)
    return show(check.found.value), interval, f"at most {accepted}"


def interval_words(interval: Interval | Statistics, show: Callable[[float], str]) -> str:
    """The ends of an interval, each as `show` writes it."""
    return f"{show(interval.low)} … {show(interval.high)}"


def unsure(report: Report) -> str:
    """Which limits more images would have to decide, in brackets; nothing where all are sure."""
    doubtful = [check.limit.what for check in report.checks if not check.sure]
    if not doubtful:
        return ""
    return f" (but the interval lies on both sides of the limit for {', '.join(doubtful)}: more images would tell)"


def number(value: float) -> str:
    """A figure with five decimals; n/a for NaN."""
    return "n/a" if np.isnan(value) else f"{value:.5f}".replace("-", "−")


def signed(value: float) -> str:
    """The same with its sign."""
    return "n/a" if np.isnan(value) else f"{value:+.5f}".replace("-", "−")


def percent(value: float) -> str:
    """A share with its sign."""
    return "n/a" if np.isnan(value) else f"{value:+.2%}".replace("-", "−")


def typed(arguments: Sequence[str]) -> str:
    """The line that was typed."""
    return shlex.join(["mmnet", *arguments])
