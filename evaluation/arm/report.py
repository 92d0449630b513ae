"""Outcomes as a table for people and as a JSON document. Emulated time is told nowhere: it means nothing."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

import mmnet
from mmnet.evaluation.arm.parity import STAGES, Comparison, Outcome
from mmnet.evaluation.arm.processors import kernels

FORMAT = "mmnet-arm-parity/2"
IDENTICAL, WITHIN, DIFFERS, NOT_COMPARED = "identical", "within tolerance", "differs", "not compared"
EXIT_CODES = {IDENTICAL: 0, WITHIN: 0, DIFFERS: 1, NOT_COMPARED: 2}


@dataclass(frozen=True)
class Tolerance:
    """By how much the model's output may differ. Every other stage is held to the bit, whatever the model.

    Attributes:
        alpha: of the model's output, where 1 is opaque.
        because: what makes it differ.
    """

    alpha: float
    because: str


EXACT = Tolerance(0, "integers: nothing is rounded differently")
FLOAT = Tolerance(1e-6, "floats: sums are taken in another order, and multiply-adds fused")
DYNAMIC = Tolerance(
    0.05, "dynamic: every layer rounds its floats to int8 by their range, so that a last bit can move a whole step"
)


def tolerance_for(precisions: Mapping[str, int]) -> Tolerance:
    """What a model is held to, by the precisions of its layers as `mmnet.runtime.tflite.inspection` names them."""
    if all(name.startswith("int") for name in precisions):
        return EXACT
    return FLOAT if set(precisions) <= {"float32", "float16"} else DYNAMIC


def limit(stage: str, tolerance: Tolerance) -> float:
    """The largest difference accepted of a stage, in its own units."""
    return tolerance.alpha if stage == "alpha" else 0


def verdict_of(outcome: Outcome, tolerance: Tolerance) -> str:
    """One of EXIT_CODES. A difference is told even where other images could not be compared."""
    compared = [comparison for image in outcome.images for comparison in image.comparisons]
    if not all(entry.within(limit(entry.stage, tolerance)) for entry in compared):
        return DIFFERS
    if outcome.error or not compared or any(image.error for image in outcome.images):
        return NOT_COMPARED
    return WITHIN if any(entry.differing for entry in compared) else IDENTICAL


def worst(verdicts: Sequence[str]) -> str:
    """The verdict of several: a difference counts most, then what could not be compared."""
    return max(verdicts, key=[IDENTICAL, WITHIN, NOT_COMPARED, DIFFERS].index)


def table(outcomes: Sequence[Outcome], tolerance: Tolerance) -> Table:
    """A column a processor: the kernels that it runs, how many images were compared, each stage, the verdict."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("")
    for outcome in outcomes:
        grid.add_column(outcome.processor.name)
    told = [kernels(outcome.told["features"]) if outcome.told else "–" for outcome in outcomes]
    grid.add_row("found in", *(Text(outcome.processor.found_in or "–", "dim") for outcome in outcomes))
    grid.add_row("its kernels", *told)
    grid.add_row("images", *(str(len(_compared(outcome, next(iter(STAGES))))) for outcome in outcomes))
    for stage, what in STAGES.items():
        grid.add_row(
            Text.assemble(stage, (f": {what}", "dim")), *(_cell(_compared(outcome, stage)) for outcome in outcomes)
        )
    verdicts = [verdict_of(outcome, tolerance) for outcome in outcomes]
    styles = {IDENTICAL: "green", WITHIN: "green", DIFFERS: "bold red"}
    grid.add_row("", *(Text(verdict, styles.get(verdict, "yellow")) for verdict in verdicts))
    return grid


def _compared(outcome: Outcome, stage: str) -> list[Comparison]:
    return [entry for image in outcome.images for entry in image.comparisons if entry.stage == stage]


def _cell(compared: Sequence[Comparison]) -> str:
    """Of one stage, over all images."""
    if not compared:
        return "–"
    differing = sum(entry.differing for entry in compared)
    if not differing:
        return "identical"
    share = differing / sum(entry.values for entry in compared)
    largest = _largest(compared)
    return f"{share:.2%} differ, " + ("other shape" if largest is None else f"by ≤ {largest:.2g}")


def _largest(compared: Sequence[Comparison]) -> float | None:
    """The largest difference of any; None where one has another shape."""
    sizes = [entry.largest for entry in compared]
    return None if None in sizes else max((size for size in sizes if size is not None), default=0.0)


def _summary(compared: Sequence[Comparison]) -> dict[str, Any]:
    return {
        "images": len(compared),
        "differing_images": sum(bool(entry.differing) for entry in compared),
        "values": sum(entry.values for entry in compared),
        "differing": sum(entry.differing for entry in compared),
        "largest": _largest(compared),
    }


def document(
    outcomes: Sequence[Outcome],
    tolerance: Tolerance,
    model: Mapping[str, Any],
    data: Mapping[str, Any],
    here: Mapping[str, Any],
    emulator: str,
    command: str,
) -> dict[str, Any]:
    """Everything that was compared, as plain JSON values.

    Args:
        outcomes: one a processor, at least one.
        tolerance: what the model was held to.
        model, data: which ones.
        here: what the observer on this machine told.
        emulator: QEMU's version.
        command: the line that was typed.
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
        "mmnet": mmnet.__version__,
        "emulator": f"QEMU {emulator}, user mode; its time says nothing about a phone and is not measured",
        "processors": [
            {
                "name": outcome.processor.name,
                "kernels": kernels(outcome.told["features"]) if outcome.told else None,
                "verdict": verdict,
                "error": outcome.error,
                "arm": dict(outcome.told),
                "compared": {stage: _summary(_compared(outcome, stage)) for stage in STAGES},
                "images": [
                    {"name": image.name, "error": image.error}
                    | {entry.stage: _entry(entry) for entry in image.comparisons}
                    for image in outcome.images
                ],
            }
            for outcome, verdict in zip(outcomes, verdicts, strict=True)
        ],
    }


def _entry(comparison: Comparison) -> dict[str, Any]:
    entry = asdict(comparison)
    del entry["stage"]
    return entry
