"""`mmnet export`, also called `export-tflite`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mmnet.cli.options import CheckpointDir, SizeOption, WeightsOption, WhichCheckpoint
from mmnet.export.choices import (
    CONVERTERS,
    DEFAULT_CONVERTER,
    DEFAULT_FORMAT,
    DEFAULT_NETWORK,
    FORMATS,
    NETWORKS,
    OTHER_PRECISIONS,
    format_of,
)
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
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="|".join(FORMATS),
        help="The format of FILE. onnx (in float32, the default, or int8) and coreml (in float16, the default, or "
        "float32) need the extra of that name.",
        show_default="by FILE's ending, else tflite",
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", show_default="CHECKPOINT-SIZE-PRECISION.FORMAT"),
]

# What to do with a model of each format.
_NEXT = {
    "tflite": "mmnet matte photo.jpg --model",
    "onnx": "mmnet evaluate --data DIR --model",
    "coreml": "compare it on a Mac or an iPhone, then add it to an Xcode project:",
}


def export(
    ckpt: WhichCheckpoint = "latest",
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    file_format: FormatOption = None,
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
    """Turn a checkpoint into a fast, verified .tflite, .onnx or .mlpackage.

    The network is rewritten to run fast, converted, and compared with the network as it was trained and with the float
    model before anything is written. The recipe is saved beside it as FILE.recipe.json. The name of FILE begins with
    that of the checkpoint. A difference on the worst image alone only warns.

    \b
    Examples:
      export-tflite --ckpt latest --calibration photos/
      export-tflite --ckpt training/MMNetModel-887000 --precision float16 -o matte.tflite
      export-tflite --ckpt checkpoints/mine --size 128 --calibration photos/ --json
      export-tflite --calibration photos/ --recipe mixed.json
      mmnet export --precision int8 -o mine.onnx
      mmnet export --format coreml
    """
    # Imported here, so that the help needs neither NumPy nor OpenCV.
    from mmnet.api.exporting import export_coreml, export_onnx, export_tflite
    from mmnet.cli.console import message_console
    from mmnet.cli.export_printer import ExportPrinter, plain
    from mmnet.cli.process.streams import echo_json
    from mmnet.cli.progress import progress_bar
    from mmnet.export.model import check_output
    from mmnet.text import json_text

    file_format = _choose_format(file_format, output)
    console = message_console(stderr=as_json)
    if output is not None:
        check_output(output, file_format, force=force)

    with progress_bar(console) as progress:
        shared: dict[str, Any] = {
            "checkpoint_dir": ckpt_dir,
            "size": size,
            "weights": weights,
            "calibration": calibration,
            "calibration_photos": calibration_photos,
            "verify": verify,
            "listener": ExportPrinter(console, progress, calibration, force=force if output is None else None),
        }
        if file_format != DEFAULT_FORMAT:
            others = {"--input": input_dtype, "--recipe": recipe, "--converter": converter != DEFAULT_CONVERTER}
            _refuse_for_tflite_alone(file_format, others)
            export_other = {"onnx": export_onnx, "coreml": export_coreml}[file_format]
            exported = export_other(ckpt, precision or OTHER_PRECISIONS[file_format][0], **shared)
        else:
            exported = export_tflite(
                ckpt, precision, input_type=input_dtype, recipe=recipe, converter=converter, **shared
            )
    path = exported.save(output, force=force)
    console.print(f"[bold]wrote[/]        {plain(path)} ({exported.byte_count / 1024:.0f} KiB) and its recipe")
    console.print(f"[bold]next[/]         {_NEXT[file_format]} {plain(path)}")
    if as_json:
        echo_json(json_text({"output": str(path), "recipe": exported.recipe}, indent=None))


def _choose_format(name: str | None, output: Path | None) -> str:
    """Return the format that `--format` names, else that of FILE's ending; raise where the two contradict."""
    if name is not None and name not in FORMATS:
        raise typer.BadParameter(f"unknown format {name!r}; choose one of {', '.join(FORMATS)}")
    ending = None if output is None else format_of(output)
    if name is not None and ending not in (None, name):
        raise typer.BadParameter(f"{output}: is a name for --format {ending}, not {name}; change one of the two")
    return name or ending or DEFAULT_FORMAT


def _refuse_for_tflite_alone(file_format: str, options: Mapping[str, object]) -> None:
    """Raise if an option was given that belongs to a .tflite."""
    for name, value in options.items():
        if value:
            raise typer.BadParameter(f"{name} goes with --format tflite, not with {file_format}")
