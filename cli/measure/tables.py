"""Tables of figures on a terminal: one column per model, one row per figure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from mmnet.evaluation.evaluate import Result
from mmnet.evaluation.figures import FIGURES, WORST_BY
from mmnet.evaluation.parity.report import PASSED, ParityReport, accuracy_rows, limit_rows
from mmnet.evaluation.report import figure_text, signed_figure_text
from mmnet.evaluation.video.evaluate import VIDEO_FIGURES, VideoResult

_CELL_WIDTH = len("0.00000–0.00000")


class Row(Protocol):
    """A row of a table: the name of a figure, and which of its means is the best."""

    @property
    def name(self) -> str:
        """The name of the figure."""
        ...

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher value is better."""
        ...


def figure_tables(results: Sequence[Result], width: int, figures: Sequence[Row] = FIGURES) -> Iterator[Table]:
    """Yield tables whose cells are the mean (the best one bold), ± the standard deviation, and the interval.

    Args:
        results: one per model.
        width: the width of the terminal in columns; models that do not fit come in a further table.
        figures: the rows.
    """
    columns = [max(_CELL_WIDTH, len(result.name)) for result in results]
    heading = max(len(figure.name) for figure in figures)
    shown: list[int] = []
    for index in range(len(results)):
        if shown and heading + sum(2 + columns[other] for other in [*shown, index]) > width:
            yield _figure_table(results, shown, figures)
            shown = []
        shown.append(index)
    yield _figure_table(results, shown, figures)


def _figure_table(results: Sequence[Result], shown: Sequence[int], figures: Sequence[Row]) -> Table:
    grid = _grid([results[index].name for index in shown])
    for figure in figures:
        row = [result.statistics[figure.name] for result in results]
        means = [entry.mean for entry in row if not math.isnan(entry.mean)]
        best = (max if figure.higher_is_better else min)(means, default=math.nan)
        cells = []
        for entry in (row[index] for index in shown):
            mean = Text(figure_text(entry.mean), "bold" if len(row) > 1 and entry.mean == best else "")
            spread = f"\n± {figure_text(entry.deviation)}\n{figure_text(entry.low)}–{figure_text(entry.high)}"
            cells.append(mean.append(spread, "not bold dim"))
        grid.add_row(figure.name, *cells)
    return grid


def smoothing_table(results: Sequence[VideoResult]) -> Table:
    """A table whose cells are the change of the mean by temporal smoothing, and the interval of the change."""
    grid = _grid([result.frame_by_frame.name for result in results])
    changes = [result.change for result in results]
    for figure in VIDEO_FIGURES:
        cells = []
        for result, change in zip(results, changes, strict=True):
            entry, before = change[figure.name], result.frame_by_frame.statistics[figure.name].mean
            relative = f" ({entry.mean / before:+.1%})" if before else ""
            interval = f"{signed_figure_text(entry.low)} … {signed_figure_text(entry.high)}"
            cells.append(f"{signed_figure_text(entry.mean)}{relative}\n{interval}")
        grid.add_row(figure.name, *cells)
    return grid


def limits_table(report: ParityReport) -> Table:
    """A table of the limits of a parity comparison: figure, interval or image, and tolerance."""
    head, rows = limit_rows(report)
    grid = Table(box=None, pad_edge=False, header_style="dim")
    for name in head:
        grid.add_column(name, justify="left" if name in ("", "limit") else "right", no_wrap=True)
    for mark, limit, measured, interval, accepted in rows:
        grid.add_row(Text(mark, "green" if mark == PASSED else "red"), limit, measured, Text(interval, "dim"), accepted)
    return grid


def accuracy_table(report: ParityReport) -> Table:
    """A table of the accuracy of both models of a parity comparison, and of its change."""
    head, rows = accuracy_rows(report)
    grid = Table(box=None, pad_edge=False, header_style="dim")
    for name in head:
        grid.add_column(Text(name), justify="left" if not name else "right", overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return grid


def show_worst(console: Console, results: Sequence[Result], count: int) -> None:
    """Print the worst images or sequences of every model, one line per model; nothing for a count of 0."""
    if not count:
        return
    console.print(f"\n[dim]the worst by {WORST_BY}[/]")
    for result in results:
        names = ", ".join(f"{name} {value:.4f}" for name, value in result.worst(count))
        console.print(f"{escape(result.name)}: {escape(names)}", soft_wrap=True)


def _grid(names: Sequence[str]) -> Table:
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("", no_wrap=True)
    for name in names:
        grid.add_column(Text(name), justify="right", overflow="fold")
    return grid
