"""The table of `mmnet arm-parity`: one column per processor, one row per stage."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

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


def arm_table(outcomes: Sequence[Outcome], tolerance: Tolerance) -> Table:
    """A table of the kernels of every processor, the number of images, the result of every stage, and the verdict."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("")
    for outcome in outcomes:
        grid.add_column(outcome.processor.name)
    grid.add_row("found in", *(Text(outcome.processor.found_in or "–", "dim") for outcome in outcomes))
    grid.add_row(
        "its kernels",
        *(kernels(outcome.described["features"]) if outcome.described else "–" for outcome in outcomes),
    )
    first = next(iter(STAGES))
    grid.add_row("images", *(str(len(compared_arrays(outcome, first))) for outcome in outcomes))
    for stage, what in STAGES.items():
        cells = (_cell(compared_arrays(outcome, stage)) for outcome in outcomes)
        grid.add_row(Text.assemble(stage, (f": {what}", "dim")), *cells)
    verdicts = [verdict_of(outcome, tolerance) for outcome in outcomes]
    styles = {IDENTICAL: "green", WITHIN: "green", DIFFERS: "bold red"}
    grid.add_row("", *(Text(verdict, styles.get(verdict, "yellow")) for verdict in verdicts))
    return grid


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
