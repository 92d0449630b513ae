"""`mmnet export`, also called `export-tflite`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmnet.cli.options import CheckpointDir, SizeOption, WeightsOption, WhichCheckpoint
from mmnet.quantize.precision import PRECISIONS

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
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace FILE if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the recipe and every check as JSON.")] = False,
) -> None:
    """Turn a checkpoint into a fast, verified .tflite.

    The network is rewritten to run fast, converted, and compared with the Keras graph and with the float model before
    anything is written. The recipe is saved beside it as FILE.recipe.json. The name of FILE begins with that of the
    checkpoint. A difference on the worst image alone only warns.

    \b
    Examples:
      export-tflite --ckpt latest --calibration photos/
      export-tflite --ckpt training/MMNetModel-887000 --precision float16 -o matte.tflite
      export-tflite --ckpt checkpoints/mine --size 128 --calibration photos/ --json
      export-tflite --calibration photos/ --recipe mixed.json
    """
    # Imported here, so that the help needs neither NumPy nor OpenCV.
    from mmnet.api.exporting import export_tflite
    from mmnet.cli.console import message_console
    from mmnet.cli.export_printer import ExportPrinter, plain
    from mmnet.cli.process.streams import echo_json
    from mmnet.cli.progress import progress_bar
    from mmnet.files import check_name, check_writable
    from mmnet.runtime.tflite.metadata import recipe_path
    from mmnet.text import json_text

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
            listener=ExportPrinter(console, progress, calibration, new_file=output is None and not force),
        )
    path = exported.save(output, force=force)
    console.print(f"[bold]wrote[/]        {plain(path)} ({len(exported.content) / 1024:.0f} KiB) and its recipe")
    console.print(f"[bold]next[/]         mmnet matte photo.jpg --model {plain(path)}")
    if as_json:
        echo_json(json_text({"output": str(path), "recipe": exported.recipe}, indent=None))
