"""The verdict on a comparison with Arm processors, and the comparison as a JSON document.

No time is reported: emulated time says nothing about a real processor.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from mmnet.evaluation.arm.parity import STAGES, ArrayComparison, Outcome
from mmnet.evaluation.arm.processors import kernels

FORMAT = "mmnet-arm-parity/2"
IDENTICAL, WITHIN, DIFFERS, NOT_COMPARED = "identical", "within tolerance", "differs", "not compared"
EXIT_CODES = {IDENTICAL: 0, WITHIN: 0, DIFFERS: 1, NOT_COMPARED: 2}


@dataclass(frozen=True)
class Tolerance:
    """The tolerance of the model's output. Every other stage has to be identical, for every model.

    Attributes:
        alpha: the largest accepted difference of the output, where 1 is opaque.
        because: why the output may differ.
    """

    alpha: float
    because: str


EXACT = Tolerance(0, "integers: nothing is rounded differently")
FLOAT = Tolerance(1e-6, "floats: sums have another order, and multiply-adds are fused")
DYNAMIC = Tolerance(
    0.05, "dynamic: every layer rounds its floats to int8 by their range, so that a last bit can change a whole step"
)


def tolerance_for(precisions: Mapping[str, int]) -> Tolerance:
    """Return the tolerance of a model, by the precisions of its layers as in `ModelReport.precisions`."""
    if all(name.startswith("int") for name in precisions):
        return EXACT
    return FLOAT if set(precisions) <= {"float32", "float16"} else DYNAMIC


def limit(stage: str, tolerance: Tolerance) -> float:
    """Return the largest accepted difference of a stage, in the units of its array."""
    return tolerance.alpha if stage in ("alpha", "last_alphas") else 0


def verdict_of(outcome: Outcome, tolerance: Tolerance) -> str:
    """Return the verdict, a key of EXIT_CODES; a difference counts even if other images could not be compared."""
    compared = [comparison for image in outcome.images for comparison in image.comparisons]
    if not all(entry.within(limit(entry.stage, tolerance)) for entry in compared):
        return DIFFERS
    if outcome.error or not compared or any(image.error for image in outcome.images):
        return NOT_COMPARED
    return WITHIN if any(entry.differing for entry in compared) else IDENTICAL


def worst(verdicts: Sequence[str]) -> str:
    """Return the verdict on several outcomes: a difference counts most, then what could not be compared."""
    return max(verdicts, key=[IDENTICAL, WITHIN, NOT_COMPARED, DIFFERS].index)


def compared_arrays(outcome: Outcome, stage: str) -> list[ArrayComparison]:
    """Return the comparisons of one stage, over all images."""
    return [entry for image in outcome.images for entry in image.comparisons if entry.stage == stage]


def largest_difference(compared: Sequence[ArrayComparison]) -> float | None:
    """Return the largest difference of several arrays; None if one has another shape or dtype."""
    sizes = [entry.largest for entry in compared]
    return None if None in sizes else max((size for size in sizes if size is not None), default=0.0)


def _summary(compared: Sequence[ArrayComparison]) -> dict[str, Any]:
    return {
        "images": len(compared),
        "differing_images": sum(bool(entry.differing) for entry in compared),
        "values": sum(entry.values for entry in compared),
        "differing": sum(entry.differing for entry in compared),
        "largest": largest_difference(compared),
    }


def document(
    outcomes: Sequence[Outcome],
    tolerance: Tolerance,
    model: Mapping[str, Any],
    data: Mapping[str, Any],
    here: Mapping[str, Any],
    emulator: str,
    command: str | None,
) -> dict[str, Any]:
    """Return all comparisons as plain JSON values.

    Args:
        outcomes: one per processor, at least one.
        tolerance: the tolerance of the model.
        model, data: the descriptions of the model and of the photos.
        here: the description of this machine by its observer.
        emulator: the version of QEMU.
        command: the command line; None where there was none.
    """
    verdicts = [verdict_of(outcome, tolerance) for outcome in outcomes]
    return {
        "format": FORMAT,
        "command": command,
        "verdict": worst(verdicts),
        "model": dict(model),
        "data": dict(data),
        "stages": STAGES,
        "tolerance": asdict(tolerance),
        "here": dict(here) | {"processor": platform.processor() or platform.machine()},
        "mmnet": version("mmnet"),
        "emulator": f"QEMU {emulator}, user mode; its time says nothing about a phone and is not measured",
        "processors": [
            {
                "name": outcome.processor.name,
                "kernels": kernels(outcome.described["features"]) if outcome.described else None,
                "verdict": verdict,
                "error": outcome.error,
                "arm": dict(outcome.described),
                "compared": {stage: _summary(compared_arrays(outcome, stage)) for stage in STAGES},
                "images": [
                    {"name": image.name, "error": image.error}
                    | {entry.stage: _entry(entry) for entry in image.comparisons}
                    for image in outcome.images
                ],
            }
            for outcome, verdict in zip(outcomes, verdicts, strict=True)
        ],
    }


def _entry(comparison: ArrayComparison) -> dict[str, Any]:
    entry = asdict(comparison)
    del entry["stage"]
    return entry
