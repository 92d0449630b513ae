"""`mmnet sensitivity`: what every layer loses in 8 bits, and the fewest layers that have to stay float."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmnet.cli.options import CheckpointDir, SizeOption, WhichCheckpoint
from mmnet.cli.process.streams import echo_json
from mmnet.evaluation.parity.tolerances import DEFAULTS
from mmnet.files import check_writable

if TYPE_CHECKING:
    from rich.console import Console

    from mmnet.api.sensitivity import SensitivityReport

STDOUT = Path("-")

CalibrationOption = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Folder of photos to measure 8-bit ranges and errors on.", show_default=False),
]
ToleranceOption = Annotated[
    float, typer.Option(metavar="X", min=0, help="Largest mean |Δα| that the proposed recipe may have.")
]
PhotosOption = Annotated[int, typer.Option(metavar="N", min=1, help="Measure ranges on at most N of the photos.")]
ImagesOption = Annotated[int, typer.Option(metavar="N", min=1, help="Measure errors on at most N of these.")]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the proposed recipe, for export-tflite --recipe.",
        show_default=False,
    ),
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write everything as JSON; - is stdout.", show_default=False),
]
PlotOption = Annotated[
    Path | None, typer.Option(metavar="FILE.svg", help="Draw every layer's error.", show_default=False)
]
TopOption = Annotated[int, typer.Option(metavar="N", min=1, help="Print the N most sensitive layers.")]


def sensitivity_command(
    calibration: CalibrationOption,
    ckpt: WhichCheckpoint = "latest",
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    size: SizeOption = None,
    tolerance: ToleranceOption = DEFAULTS["int8"]["max_mad"],
    calibration_photos: PhotosOption = 100,
    images: ImagesOption = 32,
    output: OutputOption = None,
    json_file: JsonOption = None,
    plot: PlotOption = None,
    top: TopOption = 20,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the files if they exist.")] = False,
) -> None:
    """Measure what every layer loses in 8 bits, and propose the fewest layers that have to stay float.

    Every figure comes from a real .tflite, run as a phone would run it: mean |Δα| against the float network, with the
    layer alone quantized, and with all layers quantized but this one.

    \b
    Examples:
      mmnet sensitivity --ckpt latest --calibration photos/
      mmnet sensitivity --ckpt MMNetModel-887000 --calibration photos/ --tolerance 0.001 -o mixed.json
      export-tflite --ckpt MMNetModel-887000 --calibration photos/ --recipe mixed.json
      mmnet sensitivity --calibration photos/ --plot layers.svg --json - | jq .layers[0]
    """
    from rich.markup import escape

    from mmnet.api.sensitivity import measure_sensitivity
    from mmnet.cli.console import wide_console
    from mmnet.cli.progress import progress_bar, stage_bars

    to_stdout = json_file == STDOUT
    console = wide_console(stderr=to_stdout)
    for path in (output, plot, None if to_stdout else json_file):
        if path is not None:
            check_writable(path, force=force)
    with progress_bar(console) as progress:
        report = measure_sensitivity(
            calibration,
            ckpt,
            checkpoint_dir=ckpt_dir,
            size=size,
            tolerance=tolerance,
            calibration_photos=calibration_photos,
            images=images,
            progress=stage_bars(progress),
        )
    if plot is not None:
        report.save_plot(plot, force=force)
    if json_file is not None and not to_stdout:
        report.save_json(json_file, force=force)
    _print(console, report, top)
    if output is not None and report.proposal.met:
        report.save_recipe(output, force=force)
        command = f"export-tflite --ckpt {escape(ckpt)} --calibration {escape(str(calibration))}"
        console.print(f"[bold]wrote[/] {escape(str(output))}", soft_wrap=True)
        console.print(f"[bold]next[/]  {command} --recipe {escape(str(output))}", soft_wrap=True)
    if to_stdout:
        echo_json(report.to_json())
    if not report.proposal.met:
        raise typer.Exit(1)


def _print(console: Console, report: SensitivityReport, top: int) -> None:
    from rich.markup import escape

    from mmnet.cli.tables import rows_table

    measured, proposal = report.sensitivity, report.proposal
    rows = [
        [
            layer.name,
            layer.kind,
            f"{layer.alone:.5f}",
            f"{layer.without:.5f}",
            f"{measured.full - layer.without:+.5f}".replace("-", "−"),
        ]
        for layer in measured.layers[:top]
    ]
    console.print(rows_table(["layer", "operator", "alone", "without", "gain"], rows, console.width, left=2))
    if len(measured.layers) > top:
        console.print(f"[dim]… and {len(measured.layers) - top} more (--top, --json, --plot)[/]")
    console.print(
        f"[dim]mean |Δα| against the float network on {report.images} images. alone: only this layer in 8 bits "
        f"(none at all: {measured.floor:.5f}); without: all but this one (all: {measured.full:.5f})[/]",
        soft_wrap=True,
    )
    style = "bold" if proposal.float_layers else "bold green" if proposal.met else "bold red"
    console.print(f"[{style}]{escape(report.conclusion())}[/]", soft_wrap=True)
