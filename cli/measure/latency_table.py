"""The table of a latency measurement on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from mmnet.benchmark.table import LatencyTable


def show_latency(console: Console, latency: LatencyTable) -> None:
    """Print the machine, the table, what its columns mean, and what makes its figures doubtful."""
    console.print(Text(latency.machine, "bold"))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("ms")
    for heading in latency.headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in latency.rows:
        table.add_row(*map(escape, row))
    console.print(table)
    console.print(Text(latency.legend, "dim"))
    for warning in latency.warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}", soft_wrap=True)
