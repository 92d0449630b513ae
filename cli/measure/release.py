"""`mmnet evaluate --suite`: models judged by the limits of a suite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmnet.cli.measure.console import STDOUT
from mmnet.cli.process.streams import echo, echo_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from mmnet.api.models import ModelSource
    from mmnet.api.releasing import ReleaseReport

_SUITES = "Suites"

SuiteOption = Annotated[
    str | None,
    typer.Option(
        metavar="release",
        help="Judge the models by a suite of limits. DIR holds its sets; tools/datasets/training_mix.py makes them.",
        show_default=False,
        rich_help_panel=_SUITES,
    ),
]
SetsOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,...",
        help="Sets of the suite to measure on.",
        show_default="all",
        rich_help_panel=_SUITES,
    ),
]
AgainstOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="An older model, a .tflite, that the others may not be worse than.",
        show_default=False,
        rich_help_panel=_SUITES,
    ),
]
MarkdownOption = Annotated[
    bool, typer.Option("--markdown", help="Print the table as Markdown.", rich_help_panel=_SUITES)
]


@dataclass(frozen=True)
class SuiteOptions:
    """The options of a suite.

    Attributes:
        suite: its name.
        sets: the names of the sets to measure on, with commas between them; None: all.
        against: the older model.
        markdown: whether the table is printed as Markdown.
        fit, threads: see `evaluate_release`.
        json_file: the file for the document, or `STDOUT`.
        force: whether the file is replaced if it exists.
    """

    suite: str
    sets: str | None
    against: Path | None
    markdown: bool
    fit: str | None
    threads: int | None
    json_file: Path | None
    force: bool

    def __post_init__(self) -> None:
        """Refuse two documents on standard output.

        Raises:
            BadParameter: both --markdown and --json - were given.
        """
        if self.markdown and self.json_file == STDOUT:
            raise typer.BadParameter("--markdown and --json - both write to standard output: choose one")


def evaluate_suite(
    models: Sequence[ModelSource], data: Path, options: SuiteOptions, console: Console, command: str
) -> ReleaseReport:
    """Judge models by a suite, write the document, and show the table.

    Args:
        models: the models.
        data: the folder of the sets.
        options: the options.
        console: for the progress.
        command: the command line to name in the document.
    """
    from mmnet.api.documents import json_text, save_text
    from mmnet.api.releasing import evaluate_release
    from mmnet.cli.console import wide_console
    from mmnet.cli.progress import progress_bar, stage_bars

    with progress_bar(console) as progress:
        report = evaluate_release(
            models,
            data,
            suite=options.suite,
            sets=None if options.sets is None else [name.strip() for name in options.sets.split(",")],
            against=options.against,
            fit=options.fit,
            threads=options.threads,
            progress=stage_bars(progress),
            command=command,
        )
    if options.json_file == STDOUT:
        echo_json(json_text(report.document()))
    elif options.json_file is not None:
        save_text(options.json_file, report.to_json() + "\n", force=options.force)
    if options.markdown:
        echo(report.to_markdown().rstrip("\n"))
    _show(report, wide_console(stderr=options.markdown or options.json_file == STDOUT), table=not options.markdown)
    return report


def _show(report: ReleaseReport, console: Console, *, table: bool) -> None:
    from rich.markup import escape

    from mmnet.cli.console import table_width
    from mmnet.cli.tables import column_tables
    from mmnet.evaluation.release.report import OVER, WORSE

    if table:
        # A name may be folded to the width of the figures, so that more models fit side by side.
        for part in column_tables(report.models, _styled_rows(report), table_width(console), fold_names=True):
            console.print(part)
            console.print()
        worse = "" if report.against is None else f"; {WORSE} worse than {report.against}"
        console.print(
            f"[dim]{OVER} over the limit{escape(worse)}. Lower is better. Fit {report.fit}.[/]", soft_wrap=True
        )
    for name, failures in report.failures.items():
        if failures:
            console.print(f"[bold red]{escape(name)} fails:[/]")
            for failure in failures:
                console.print(f"  {escape(failure)}", soft_wrap=True)
        else:
            console.print(f"[bold green]{escape(name)} passes[/]")


def _styled_rows(report: ReleaseReport) -> list[tuple[Text, list[Text]]]:
    from rich.text import Text

    from mmnet.evaluation.release.report import OVER, WORSE

    rows = []
    for label, cells in report.rows:
        is_set = not any(cells)
        styles = ["red" if OVER in cell or WORSE in cell or cell == "fails" else "" for cell in cells]
        texts = [Text(cell, style) for cell, style in zip(cells, styles, strict=True)]
        rows.append((Text(label, "bold" if is_set else ""), texts))
    return rows
