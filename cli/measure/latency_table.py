"""The table of a latency measurement on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from mmnet.benchmark.table import LatencyTable
from mmnet.cli.tables import rows_table


def show_latency(console: Console, latency: LatencyTable) -> None:
    """Print the machine, the table, what its columns mean, and what makes its figures doubtful."""
    console.print(Text(latency.machine, "bold"))
    console.print(rows_table(["ms", *latency.headings], latency.rows, console.width))
    console.print(Text(latency.legend, "dim"))
    for warning in latency.warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)
