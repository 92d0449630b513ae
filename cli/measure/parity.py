"""`mmnet parity`: whether a quantized model is close enough to its float model, with a report."""

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
from mmnet.cli.options import AcceleratorOption, CheckpointDir
from mmnet.cli.process.streams import echo_json
from mmnet.evaluation.parity.tolerances import DEFAULTS
from mmnet.files import check_writable

if TYPE_CHECKING:
    from rich.console import Console

    from mmnet.api.comparing import ParityComparison
    from mmnet.evaluation.parity.report import ParityReport


def _defaults(name: str) -> str:
    return "; ".join(f"{precision} {values[name]:g}" for precision, values in DEFAULTS.items())


ReferenceArgument = Annotated[
    str, typer.Argument(metavar="FLOAT", help=f"The reference. {MODEL_OR_CHECKPOINT}", show_default=False)
]
QuantizedArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="QUANTIZED",
        help=f"The model derived from it. {MODEL_OR_CHECKPOINT} With --accelerator, FLOAT itself by default.",
        show_default=False,
    ),
]
MaxMadOption = Annotated[
    float | None,
    typer.Option(min=0, metavar="X", help="Largest mean |Δα|, 0-1.", show_default=_defaults("max_mad")),
]
MaxImageMadOption = Annotated[
    float | None,
    typer.Option(
        min=0, metavar="X", help="Largest mean |Δα| of the worst image.", show_default=_defaults("max_image_mad")
    ),
]
MaxMadIncreaseOption = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="Largest increase of MAD at 256×256 as a fraction of FLOAT's, 0.01 = 1 %. Needs mattes.",
        show_default=_defaults("max_mad_increase"),
    ),
]
MaxGaussGradIncreaseOption = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="Largest increase of GAUSS_GRAD at 256×256, likewise. Needs mattes.",
        show_default=_defaults("max_gauss_grad_increase"),
    ),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Judge the upper end of each 95 % interval, not the figure itself.")
]


# What helps where a model is beyond tolerance: to keep layers in float, or to train for 8 bits.
_NEXT = (
    "keep the layers that lose most in float: mmnet sensitivity --ckpt CKPT --calibration PHOTOS -o mixed.json",
    "or train the checkpoint for 8 bits: mmnet quantize --ckpt CKPT --data DIR",
    "or accept more, where the images look right: --max-mad, --max-image-mad",
)
_ENOUGH_IMAGES = 100


def parity_command(
    reference: ReferenceArgument,
    data: ComparedDataOption,
    quantized: QuantizedArgument = None,
    accelerator: AcceleratorOption = None,
    max_mad: MaxMadOption = None,
    max_image_mad: MaxImageMadOption = None,
    max_mad_increase: MaxMadIncreaseOption = None,
    max_gauss_grad_increase: MaxGaussGradIncreaseOption = None,
    strict: StrictOption = False,
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
    """Compare a quantized model with its float model on the same images, and judge whether it is close enough.

    Exit code 0: within tolerance. 1: beyond. 2: the two could not be compared. The default tolerances depend on the
    precision of QUANTIZED (int8's for an unknown one). Figures are paired differences, each with a 95 % bootstrap
    interval.

    \b
    Examples:
      mmnet parity latest mmnet-int8.tflite --data portraits --split test --report parity.html
      mmnet parity float.tflite int8.tflite -d photos/ --max-mad 0.002
      mmnet parity MMNetModel-887000 int8.tflite -d portraits/test --max-gauss-grad-increase 0.005 --strict
      mmnet parity float.tflite int8.tflite -d scenes/ --fit stretch
      mmnet parity old.tflite new.tflite -d portraits/test --json - | jq .verdict
      mmnet parity mine.tflite -d portraits/test --accelerator gpu   (how far the GPU strays from the processor)
    """
    from mmnet.api.comparing import compare
    from mmnet.cli.console import message_console
    from mmnet.cli.progress import progress_bar, stage_bars

    accepted = {
        "max_mad": max_mad,
        "max_image_mad": max_image_mad,
        "max_mad_increase": max_mad_increase,
        "max_gauss_grad_increase": max_gauss_grad_increase,
    }
    if quantized is None and accelerator is None:
        raise typer.BadParameter("name a second model, or an accelerator to run FLOAT on: --accelerator gpu")
    with comparison_errors():
        _check_outputs(report_file, json_file, force=force)
        with progress_bar(message_console()) as progress:
            comparison = compare(
                reference,
                quantized,
                data,
                accelerator=accelerator,
                split=split,
                limit=limit,
                accepted=accepted,
                strict=strict,
                layers=report_file is not None or json_file is not None,
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
    _show(comparison, report_file, json_file)
    raise typer.Exit(0 if comparison.passed else 1)


def _check_outputs(report_file: Path | None, json_file: Path | None, *, force: bool) -> None:
    for path in (report_file, None if json_file == STDOUT else json_file):
        if path is not None:
            check_writable(path, force=force)


def _show(comparison: ParityComparison, report_file: Path | None, json_file: Path | None) -> None:
    from rich.markup import escape

    from mmnet.cli.console import message_console, wide_console

    console = wide_console(stderr=json_file == STDOUT)
    _show_report(console, comparison.report)
    if report_file is not None:
        console.print(f"[bold]wrote[/] {escape(str(report_file))}", soft_wrap=True)
    if json_file == STDOUT:
        echo_json(comparison.to_json())
    for step in () if comparison.passed else _next_steps(comparison.report.data["images"], report_file):
        message_console().print(f"[bold]next[/] {step}")


def _next_steps(images: int, report_file: Path | None) -> list[str]:
    """Return what helps where a model is beyond tolerance on a number of images, as lines with rich's markup."""
    from rich.markup import escape

    more = [f"measure on more images than {images}: {_ENOUGH_IMAGES} photos of people are enough"]
    how = "the same command with --report parity.html" if report_file is None else f"open {escape(str(report_file))}"
    return [*(more if images < _ENOUGH_IMAGES else ()), f"see which images and layers differ: {how}", *_NEXT]


def _show_report(console: Console, report: ParityReport) -> None:
    from rich.markup import escape

    from mmnet.cli.measure.tables import accuracy_table, limits_table
    from mmnet.evaluation.parity.report import undecided_text, worst_text

    console.print(limits_table(report, console.width))
    if report.parity.changes:
        console.print()
        console.print(accuracy_table(report, console.width))
    console.print(f"\n[dim]{escape(worst_text(report))}[/]", soft_wrap=True)
    if report.note:
        console.print(f"[yellow]warning:[/] {escape(report.note)}", soft_wrap=True)
    style = "bold green" if report.passed else "bold red"
    console.print(f"[{style}]{escape(report.verdict + undecided_text(report))}[/]", soft_wrap=True)
