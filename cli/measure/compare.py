"""`mmnet compare`: two models on the same images, without a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmnet.cli.measure.console import STDOUT, command_line, comparison_errors
from mmnet.cli.measure.options import (
    MODEL_OR_CHECKPOINT,
    ComparedDataOption,
    FitOption,
    JsonOption,
    LimitOption,
    PhotosOption,
    ReportOption,
    ResizeOption,
    SplitOption,
    ThreadsOption,
)
from mmnet.cli.options import CheckpointDir
from mmnet.cli.process.streams import echo_json
from mmnet.files import check_writable

if TYPE_CHECKING:
    from rich.console import Console

    from mmnet.api.comparing_models import ModelComparison
    from mmnet.cli.tables import Cell

FirstArgument = Annotated[str, typer.Argument(metavar="A", help=MODEL_OR_CHECKPOINT, show_default=False)]
SecondArgument = Annotated[
    str, typer.Argument(metavar="B", help="The model to compare with A, given in the same way.", show_default=False)
]


def compare_command(
    first: FirstArgument,
    second: SecondArgument,
    data: ComparedDataOption,
    split: SplitOption = None,
    limit: LimitOption = None,
    report_file: ReportOption = None,
    photos: PhotosOption = True,
    json_file: JsonOption = None,
    resize: ResizeOption = "runtime",
    fit: FitOption = None,
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    threads: ThreadsOption = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the files if they exist.")] = False,
) -> None:
    """Compare two models on the same images: paired differences with 95 % intervals, without a verdict.

    For two trainings, or two networks, neither of which is made from the other; [b]mmnet parity[/] judges a quantized
    model by its float model. With mattes, the last column says whether B is better or worse by a figure: undecided, if
    the interval of the paired difference holds 0. Exit code 2: the two could not be compared.

    \b
    Examples:
      mmnet compare before after --data portraits --split test --report compare.html
      mmnet compare old.tflite new.tflite -d photos/ --limit 50
      mmnet compare latest selfie_segmentation.tflite -d portraits/test --json - | jq .accuracy.MAD
    """
    from rich.markup import escape

    from mmnet.api.comparing_models import compare_models
    from mmnet.cli.console import message_console, wide_console
    from mmnet.cli.progress import progress_bar, stage_bars

    console = message_console()
    with comparison_errors():
        for path in (report_file, None if json_file == STDOUT else json_file):
            if path is not None:
                check_writable(path, force=force)
        with progress_bar(console) as progress:
            comparison = compare_models(
                first,
                second,
                data,
                split=split,
                limit=limit,
                resize=resize,
                fit=fit,
                checkpoint_dir=ckpt_dir,
                threads=threads,
                progress=stage_bars(progress),
                command=command_line(),
            )
            if report_file is not None:
                comparison.save_report(report_file, with_photos=photos, force=force)
            if json_file is not None and json_file != STDOUT:
                comparison.save_json(json_file, force=force)
    show_comparison(wide_console(stderr=json_file == STDOUT), comparison)
    if report_file is not None:
        console.print(f"[bold]wrote[/] {escape(str(report_file))}", soft_wrap=True)
    if json_file == STDOUT:
        echo_json(comparison.to_json())


def show_comparison(console: Console, comparison: ModelComparison) -> None:
    """Print the differences, the accuracy of both models if it is known, and the images that differ most."""
    from rich.markup import escape
    from rich.text import Text

    from mmnet.cli.tables import rows_table
    from mmnet.evaluation.parity.comparison import BETTER, WORSE, change_rows, difference_rows, moved_texts
    from mmnet.evaluation.parity.report import worst_text

    report = comparison.report
    console.print(rows_table(*difference_rows(report.parity), console.width))
    styles = {BETTER: "green", WORSE: "red"}
    if report.parity.changes:
        head, rows = change_rows(report.parity)
        cells: list[list[Cell]] = [[*row[:-1], Text(row[-1], styles.get(row[-1], "dim"))] for row in rows]
        console.print()
        console.print(rows_table(head, cells, console.width))
    console.print(f"\n[dim]{escape(worst_text(report))}[/]", soft_wrap=True)
    for text in moved_texts(report.parity):
        console.print(f"[dim]{escape(text)}[/]", soft_wrap=True)
