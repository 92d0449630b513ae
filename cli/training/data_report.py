"""The report of `mmnet data check` on the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.markup import escape

from mmnet.cli.console import table_width
from mmnet.cli.tables import rows_table
from mmnet.text import printable
from mmnet.training.data.check import KINDS, DataReport

_EXAMPLES = 5  # files named for each kind of finding; --json lists all of them


def show_report(report: DataReport, console: Console) -> None:
    """Print a report: a table of the data sets, then the findings by kind."""
    head = ("data set", "layout", "use", "pairs", "validating", "smallest", "largest", "person")
    rows = []
    for s in report.summaries:
        sizes = ("-" if side is None else f"{side[0]}×{side[1]}" for side in (s.smallest, s.largest))
        person = "" if s.coverage is None else f"{s.coverage:.0%}"
        rows.append([str(s.root), s.layout, s.use, f"{s.pairs:,}", f"{s.validation:,}", *sizes, person])
    console.print(rows_table(head, rows, table_width(console), left=3))
    counts = Counter(finding.kind for finding in report.findings)
    for name, kind in KINDS.items():
        if not counts[name]:
            continue
        mark = "[red]✗[/]" if kind.is_problem else "[yellow]![/]"
        console.print(f"{mark} [bold]{counts[name]} × {name}[/]: {escape(kind.fix)}")
        some = [finding for finding in report.findings if finding.kind == name]
        for finding in some[:_EXAMPLES]:
            detail = f": {finding.detail}" if finding.detail else ""
            console.print(f"    {escape(printable(str(finding.file) + detail))}")
        if len(some) > _EXAMPLES:
            console.print(f"    … and {len(some) - _EXAMPLES} more; --json FILE lists them all")
    if report.summaries and not any(summary.validation for summary in report.summaries):
        console.print("[yellow]![/] [bold]no image validates[/]: add images, or choose a larger --validation")
    warnings = sum(not finding.is_problem for finding in report.findings)
    and_warnings = f", {warnings} warning{'s' * (warnings > 1)}" if warnings else ""
    if report.problems:
        console.print(
            f"[red]✗[/] {report.problems} problem{'s' * (report.problems > 1)} to fix before a training{and_warnings}"
        )
    else:
        console.print(f"[green]✓[/] no problems{and_warnings}")


def show_failed(console: Console, problems: Sequence[str], what: str) -> None:
    """Print the files that something was made without, and raise `typer.Exit(1)` if there are any.

    Args:
        console: where they are printed.
        problems: one line per file.
        what: what the files are, in the plural.
    """
    for problem in problems:
        console.print(f"[red]failed[/] {escape(printable(problem))}")
    if problems:
        console.print(f"[bold]left out[/] {len(problems)} {what} that failed")
        raise typer.Exit(1)
