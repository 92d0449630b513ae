"""Tables of figures on a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.text import Text

from mmnet.cli.tables import Cell, column_tables, rows_table
from mmnet.evaluation.evaluate import Result
from mmnet.evaluation.figures import FIGURES, WORST_BY
from mmnet.evaluation.parity.report import PASSED, ParityReport, accuracy_rows, limit_rows
from mmnet.evaluation.report import figure_text, signed_figure_text
from mmnet.evaluation.statistics import LEVEL
from mmnet.evaluation.video.evaluate import VIDEO_FIGURES, VideoResult

_INTERVAL = f"{100 * LEVEL:g} % interval"


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


def figure_tables(results: Sequence[Result], width: int, figures: Sequence[Row] = FIGURES) -> Iterator[RenderableType]:
    """Yield tables whose cells are the mean (the best one bold), ± the standard deviation, and the interval.

    Args:
        results: one per model.
        width: the width of the terminal in columns; models that do not fit come in a further table.
        figures: the rows.
    """
    rows = []
    for figure in figures:
        entries = [result.statistics[figure.name] for result in results]
        means = [entry.mean for entry in entries if not math.isnan(entry.mean)]
        best = (max if figure.higher_is_better else min)(means, default=math.nan)
        cells = []
        for entry in entries:
            mean = Text(figure_text(entry.mean), "bold" if len(entries) > 1 and entry.mean == best else "")
            spread = f"\n± {figure_text(entry.deviation)}\n{figure_text(entry.low)}–{figure_text(entry.high)}"
            cells.append(mean.append(spread, "not bold dim"))
        rows.append((_label(figure.name, "± deviation", _INTERVAL), cells))
    return column_tables([result.name for result in results], rows, width)


def _label(name: str, *lines: str) -> Text:
    """Return the label of a row: the name of its figure, and what the further lines of its cells are."""
    return Text(name).append("".join(f"\n{line}" for line in lines), "dim")


def smoothing_tables(results: Sequence[VideoResult], width: int) -> Iterator[RenderableType]:
    """Yield tables whose cells are the change of the mean by temporal smoothing, and the interval of the change.

    Args:
        results: one per model.
        width: the width of the terminal in columns; models that do not fit come in a further table.
    """
    changes = [result.change for result in results]
    rows = []
    for figure in VIDEO_FIGURES:
        cells = []
        for result, change in zip(results, changes, strict=True):
            entry, before = change[figure.name], result.frame_by_frame.statistics[figure.name].mean
            relative = f" ({entry.mean / before:+.1%})" if before else ""
            interval = f"{signed_figure_text(entry.low)} … {signed_figure_text(entry.high)}"
            cells.append(f"{signed_figure_text(entry.mean)}{relative}\n{interval}")
        rows.append((_label(figure.name, _INTERVAL), cells))
    return column_tables([result.frame_by_frame.name for result in results], rows, width)


def limits_table(report: ParityReport, width: int) -> RenderableType:
    """Return the limits of a parity comparison: figure, interval or image, and tolerance."""
    head, rows = limit_rows(report)
    cells: list[list[Cell]] = [
        [Text(mark, "green" if mark == PASSED else "red"), limit, measured, Text(interval, "dim"), accepted]
        for mark, limit, measured, interval, accepted in rows
    ]
    return rows_table(head, cells, width, titles=2, left=2)


def accuracy_table(report: ParityReport, width: int) -> RenderableType:
    """Return the accuracy of both models of a parity comparison, and its change."""
    return rows_table(*accuracy_rows(report), width)


def show_worst(console: Console, results: Sequence[Result], count: int) -> None:
    """Print the worst images or sequences of every model, one line per model; nothing for a count of 0."""
    if not count:
        return
    console.print(f"\n[dim]the worst by {WORST_BY}[/]")
    for result in results:
        names = ", ".join(f"{name} {value:.4f}" for name, value in result.worst(count))
        console.print(f"{escape(result.name)}: {escape(names)}", soft_wrap=True)
