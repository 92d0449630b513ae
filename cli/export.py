"""`mmnet export`, also called `export-tflite`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from mmnet.cli.options import CheckpointDir, WhichCheckpoint
from mmnet.cli.progress import progress_bar
from mmnet.files import check_writable
from mmnet.quantize.precision import PRECISIONS, choose_precision
from mmnet.quantize.recipe import Recipe, agreed, read_recipe

if TYPE_CHECKING:
    from mmnet.network.ranges import Ranges


def export(
    ckpt: WhichCheckpoint = "latest",
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    precision: Annotated[
        str | None,
        typer.Option(metavar="|".join(PRECISIONS), help="What the model stores and computes in.", show_default="int8"),
    ] = None,
    input_dtype: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="uint8|float32",
            help="Pixels as they are (default for int8), or RGB in 0-1. The alpha comes in the same dtype.",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="Input size, a multiple of 16.", show_default="the checkpoint's"),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of photos to measure 8-bit ranges on and to verify with. A checkpoint of [b]mmnet quantize[/] "
            "carries its ranges: then they only verify.",
        ),
    ] = None,
    calibration_photos: Annotated[
        int, typer.Option(metavar="N", help="Take at most N of them, spread over the folder.")
    ] = 100,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Take precision, input and excepted layers from a recipe: mmnet sensitivity proposes one.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", show_default="mmnet-WIDTH-SIZE-PRECISION.tflite"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the recipe and every check as JSON.")] = False,
) -> None:
    """Turn a checkpoint into a fast, verified .tflite.

    The network is rewritten to run fast, converted, and compared with the Keras graph and with the float model before
    anything is written. The recipe is saved beside it as FILE.recipe.json.

    \b
    Examples:
      export-tflite --ckpt latest --calibration photos/
      export-tflite --ckpt training/MMNetModel-887000 --precision float16 -o matte.tflite
      export-tflite --ckpt checkpoints/mine --size 128 --calibration photos/ --json
      export-tflite --calibration photos/ --recipe mixed.json
    """
    console = Console(stderr=as_json, soft_wrap=True, highlight=False)
    wanted = Recipe() if recipe is None else read_recipe(recipe)
    chosen, dtype = choose_precision(
        agreed(wanted.precision, precision, "--precision") or "int8",
        agreed(wanted.input_dtype, input_dtype, "--input"),
    )
    if output is not None:
        check_writable(output, force=force)

    # Heavy packages only once the arguments are known to be good.
    from mmnet.export.exporter import Export, run_export
    from mmnet.export.verify import Check
    from mmnet.network.resolve import resolve
    from mmnet.quantize.calibration import load_calibration

    found = resolve(ckpt, ckpt_dir)
    checkpoint = found.load().resized(size)
    config = checkpoint.config
    console.print(
        f"[bold]checkpoint[/]   {_plain(found.path)} ({_plain(found.reason)}): {config.name}, step "
        f"{checkpoint.step}, {config.size}×{config.size}, {config.sampling} sampling"
    )
    path = output or Path(f"{config.name.lower()}-{config.size}-{chosen.name}.tflite")
    check_writable(path, force=force)

    progress = progress_bar(console)

    def on_check(check: Check) -> None:
        mark = "[green]✓[/]" if check.passed else "[red]✗[/]"
        console.print(f"{mark} {check.name}: {_plain(check.found)} [dim](accepted: {_plain(check.accepted)})[/]")

    with progress:
        photos = None
        if calibration is not None:
            reading = progress.add_task("reading photos", total=None)
            photos = load_calibration(
                calibration,
                config.size,
                limit=calibration_photos,
                progress=lambda done, total: progress.update(reading, completed=done, total=total),
            )
            progress.remove_task(reading)
            for reason in photos.unreadable.values():
                console.print(f"[yellow]skipped[/]      {_plain(reason)}")
            console.print(
                f"[bold]calibration[/]  {len(photos.names)} photos of {_plain(calibration)}"
                + (f", {len(photos.unreadable)} unreadable" if photos.unreadable else "")
            )
        export = Export(checkpoint, found.path.name, chosen, dtype, photos, wanted.floats)
        if export.ranges is not None:
            console.print(f"[bold]ranges[/]       {_plain(_origin(export.ranges, config.size, photos is not None))}")
        elif checkpoint.ranges is not None and export.floats:
            console.print(
                "[bold]ranges[/]       measured on the photos, not the checkpoint's, since layers are excepted"
            )
        measuring = progress.add_task("converting", total=None)
        exported = run_export(
            export,
            on_check=on_check,
            on_calibration=lambda done, total: progress.update(
                measuring, description="measuring ranges", completed=done, total=total
            ),
        )
    exported.write(path)
    console.print(f"[bold]wrote[/]        {_plain(path)} ({len(exported.model) / 1024:.0f} KiB) and its recipe")
    console.print(f"[bold]next[/]         mmnet matte photo.jpg --model {_plain(path)}")
    if as_json:
        typer.echo(json.dumps(_summary(path, exported.recipe)))


def _summary(path: Path, recipe: dict[str, Any]) -> dict[str, Any]:
    return {"output": str(path), "recipe": recipe}


def _origin(ranges: Ranges, size: int, photos: bool) -> str:
    """Which activation ranges an 8-bit model gets, in words."""
    steps = ranges.source.get("trained_steps")
    trained = f"quantization-aware training of {steps} steps" if steps else "measured without training"
    at = "" if ranges.size == size else f", at {ranges.size}×{ranges.size}"
    return f"the checkpoint's ({trained}{at})" + ("; the photos only verify" if photos else "")


def _plain(value: object) -> str:
    """Text that may hold brackets, which rich would take for markup."""
    return escape(str(value))
