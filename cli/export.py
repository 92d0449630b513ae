"""`mmnet export`, also called `export-tflite`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from mmnet.api.exporting import export_tflite
from mmnet.cli.console import message_console
from mmnet.cli.options import CheckpointDir, SizeOption, WeightsOption, WhichCheckpoint
from mmnet.cli.process.streams import echo_json
from mmnet.cli.progress import progress_bar, stage_bars
from mmnet.export.converters import CONVERTERS, DEFAULT_CONVERTER
from mmnet.export.exporter import ExportListener, ExportRequest
from mmnet.export.verify import DEFAULT_NETWORK, NETWORKS, ExportCheck
from mmnet.files import check_name, check_writable
from mmnet.network.resolve import OpenedCheckpoint
from mmnet.quantize.calibration import Calibration
from mmnet.quantize.precision import PRECISIONS, Precision
from mmnet.runtime.tflite.metadata import recipe_path
from mmnet.text import json_text

PrecisionOption = Annotated[
    str | None,
    typer.Option(metavar="|".join(PRECISIONS), help="What the model stores and computes in.", show_default="int8"),
]
InputOption = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="uint8|float32",
        help="Pixels as they are (default for int8), or RGB in 0-1. The alpha has the same dtype.",
    ),
]
CalibrationOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder of photos to measure 8-bit ranges on and to verify with, or a data set that holds image/. A "
        "checkpoint of [b]mmnet quantize[/] carries its ranges: then the photos only verify.",
    ),
]
PhotosOption = Annotated[int, typer.Option(metavar="N", help="Take at most N of them, spread over the folder.")]
RecipeOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Take precision, input and float layers from a recipe, for example one of [b]mmnet sensitivity[/].",
        show_default=False,
    ),
]
ConverterOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(CONVERTERS),
        help="Write the .tflite directly, or let TensorFlow's converter make it (needs the extra tensorflow).",
    ),
]
VerifyOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(NETWORKS),
        help="Compare the float model with the network in NumPy, or in Keras (needs the extra tensorflow).",
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", show_default="CHECKPOINT-SIZE-PRECISION.tflite"),
]


def export(
    ckpt: WhichCheckpoint = "latest",
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    precision: PrecisionOption = None,
    input_dtype: InputOption = None,
    size: SizeOption = None,
    weights: WeightsOption = None,
    calibration: CalibrationOption = None,
    calibration_photos: PhotosOption = 100,
    recipe: RecipeOption = None,
    output: OutputOption = None,
    converter: ConverterOption = DEFAULT_CONVERTER,
    verify: VerifyOption = DEFAULT_NETWORK,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace FILE if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the recipe and every check as JSON.")] = False,
) -> None:
    """Turn a checkpoint into a fast, verified .tflite.

    The network is rewritten to run fast, converted, and compared with the network as it was trained and with the float
    model before anything is written. The recipe is saved beside it as FILE.recipe.json. The name of FILE begins with
    that of the checkpoint. A difference on the worst image alone only warns.

    \b
    Examples:
      export-tflite --ckpt latest --calibration photos/
      export-tflite --ckpt training/MMNetModel-887000 --precision float16 -o matte.tflite
      export-tflite --ckpt checkpoints/mine --size 128 --calibration photos/ --json
      export-tflite --calibration photos/ --recipe mixed.json
    """
    console = message_console(stderr=as_json)
    if output is not None:
        check_writable(output, force=force)
        check_name(recipe_path(output))

    with progress_bar(console) as progress:
        exported = export_tflite(
            ckpt,
            precision,
            checkpoint_dir=ckpt_dir,
            size=size,
            weights=weights,
            input_type=input_dtype,
            calibration=calibration,
            calibration_photos=calibration_photos,
            recipe=recipe,
            converter=converter,
            verify=verify,
            listener=_Printer(console, progress, calibration, new_file=output is None and not force),
        )
    path = exported.save(output, force=force)
    console.print(f"[bold]wrote[/]        {_plain(path)} ({len(exported.content) / 1024:.0f} KiB) and its recipe")
    console.print(f"[bold]next[/]         mmnet matte photo.jpg --model {_plain(path)}")
    if as_json:
        echo_json(json_text({"output": str(path), "recipe": exported.recipe}, indent=None))


class _Printer(ExportListener):
    """Prints what happens, and refuses a default file that exists before the work begins."""

    def __init__(self, console: Console, progress: Progress, folder: Path | None, new_file: bool) -> None:
        self._console = console
        self._folder = folder
        self._new_file = new_file
        self._show_stage = stage_bars(progress)

    def on_start(self, file_name: str) -> None:
        if self._new_file:
            check_writable(Path(file_name), force=False)

    def on_checkpoint(self, opened: OpenedCheckpoint, precision: Precision) -> None:
        self._console.print(f"[bold]checkpoint[/]   {_plain(opened)}")

    def on_calibration(self, calibration: Calibration) -> None:
        for reason in calibration.unreadable.values():
            self._console.print(f"[yellow]skipped[/]      {_plain(reason)}")
        unreadable = f", {len(calibration.unreadable)} unreadable" if calibration.unreadable else ""
        photos = f"{len(calibration.names)} photos of {_plain(calibration.folder or self._folder)}"
        more = f", {len(calibration.held_out_names)} more to verify on" if calibration.held_out_names else ""
        self._console.print(f"[bold]calibration[/]  {photos}{unreadable}{more}")

    def on_request(self, request: ExportRequest) -> None:
        if request.ranges_origin:
            self._console.print(f"[bold]ranges[/]       {_plain(request.ranges_origin)}")

    def on_progress(self, stage: str, done: int, total: int) -> None:
        self._show_stage(stage, done, total)

    def on_check(self, check: ExportCheck) -> None:
        mark = "[green]✓[/]" if check.passed else "[red]✗[/]" if check.required else "[yellow]![/]"
        accepted = f"[dim](accepted: {_plain(check.accepted)})[/]"
        self._console.print(f"{mark} {check.name}: {_plain(check.measured)} {accepted}")
        if not check.passed and not check.required:
            self._console.print(f"[yellow]warning[/]      {_plain(check.advice)}")


def _plain(value: object) -> str:
    """Text that may hold brackets, which rich would take for markup."""
    return escape(str(value))
