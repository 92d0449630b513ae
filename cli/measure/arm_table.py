"""The table of `mmnet arm-parity`: one column per processor, one row per stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from mmnet.cli.tables import Cell, column_tables
from mmnet.evaluation.arm.parity import STAGES, ArrayComparison, Outcome
from mmnet.evaluation.arm.processors import kernels
from mmnet.evaluation.arm.report import (
    DIFFERS,
    IDENTICAL,
    WITHIN,
    Tolerance,
    compared_arrays,
    largest_difference,
    verdict_of,
)


def arm_tables(outcomes: Sequence[Outcome], tolerance: Tolerance, width: int) -> Iterator[RenderableType]:
    """Yield the kernels of every processor, the number of images, the result of every stage, and the verdict.

    Args:
        outcomes: one per processor.
        tolerance: the accepted difference.
        width: the width of the terminal in columns; processors that do not fit come in a further table.
    """
    first = next(iter(STAGES))
    rows: list[tuple[Cell, list[Cell]]] = [
        ("found in", [Text(outcome.processor.found_in or "–", "dim") for outcome in outcomes]),
        ("its kernels", [kernels(one.described["features"]) if one.described else "–" for one in outcomes]),
        ("images", [str(len(compared_arrays(outcome, first))) for outcome in outcomes]),
    ]
    for stage, what in STAGES.items():
        cells: list[Cell] = [_cell(compared_arrays(outcome, stage)) for outcome in outcomes]
        rows.append((Text.assemble(stage, (f": {what}", "dim")), cells))
    verdicts = [verdict_of(outcome, tolerance) for outcome in outcomes]
    styles = {IDENTICAL: "green", WITHIN: "green", DIFFERS: "bold red"}
    rows.append(("", [Text(verdict, styles.get(verdict, "yellow")) for verdict in verdicts]))
    return column_tables([outcome.processor.name for outcome in outcomes], rows, width)


def _cell(compared: Sequence[ArrayComparison]) -> str:
    """Return the result of one stage over all images, as text."""
    if not compared:
        return "–"
    differing = sum(entry.differing for entry in compared)
    if not differing:
        return "identical"
    fraction = differing / sum(entry.values for entry in compared)
    largest = largest_difference(compared)
    return f"{fraction:.2%} differ, " + ("other shape" if largest is None else f"by ≤ {largest:.2g}")
