"""`mmnet sensitivity`: which layers 8 bits hurt, and which few have to stay float."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mmnet import svg
from mmnet.cli.console import wide_console
from mmnet.cli.options import CheckpointDir, WhichCheckpoint
from mmnet.cli.progress import progress_bar
from mmnet.evaluation.parity.tolerances import DEFAULTS
from mmnet.files import atomic_file, check_writable
from mmnet.quantize.recipe import FORMAT as RECIPE_FORMAT
from mmnet.quantize.recipe import Recipe
from mmnet.quantize.sensitivity import LayerSensitivity, Proposal, Remembered, Sensitivity, propose
from mmnet.selection import even_indices

FORMAT = "mmnet-sensitivity/1"
STDOUT = Path("-")


def sensitivity_command(
    calibration: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder of photos to measure 8-bit ranges and errors on.", show_default=False),
    ],
    ckpt: WhichCheckpoint = "latest",
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    size: Annotated[
        int | None, typer.Option(help="Input size, a multiple of 16.", show_default="the checkpoint's")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(metavar="X", min=0, help="Largest mean |Δα| that the proposed recipe may have.")
    ] = DEFAULTS["int8"]["max_mad"],
    calibration_photos: Annotated[
        int, typer.Option(metavar="N", min=1, help="Measure ranges on at most N of the photos.")
    ] = 100,
    images: Annotated[int, typer.Option(metavar="N", min=1, help="Measure errors on at most N of these.")] = 32,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the proposed recipe, for export-tflite --recipe.",
            show_default=False,
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write everything as JSON; - is stdout.", show_default=False),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw every layer's error.", show_default=False)
    ] = None,
    top: Annotated[int, typer.Option(metavar="N", min=1, help="Print the N most sensitive layers.")] = 20,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the files if they exist.")] = False,
) -> None:
    """Measure what every layer loses in 8 bits, and propose the fewest that have to stay float.

    Every figure is of a real .tflite, run as a phone would: mean |Δα| against the float network, with the layer alone
    quantized, and with all quantized but it.

    \b
    Examples:
      mmnet sensitivity --ckpt latest --calibration photos/
      mmnet sensitivity --ckpt MMNetModel-887000 --calibration photos/ --tolerance 0.001 -o mixed.json
      export-tflite --ckpt MMNetModel-887000 --calibration photos/ --recipe mixed.json
      mmnet sensitivity --calibration photos/ --plot layers.svg --json - | jq .layers[0]
    """
    to_stdout = json_file == STDOUT
    console = wide_console(stderr=to_stdout)
    for path in (output, plot, None if to_stdout else json_file):
        if path is not None:
            check_writable(path, force=force)

    # Heavy packages only once the arguments are known to be good.
    from mmnet.export.convert import to_float
    from mmnet.export.mixed import calibrate
    from mmnet.export.verify import alphas
    from mmnet.graph.inference import inference_graph
    from mmnet.network.resolve import resolve
    from mmnet.quantize.calibration import load_calibration

    found = resolve(ckpt, ckpt_dir)
    checkpoint = found.load().resized(size)
    progress = progress_bar(console)
    with progress:
        reading = progress.add_task("reading photos", total=None)
        photos = load_calibration(
            calibration,
            checkpoint.config.size,
            limit=calibration_photos,
            progress=lambda done, total: progress.update(reading, completed=done, total=total),
        )
        progress.remove_task(reading)
        measuring = progress.add_task("measuring ranges", total=len(photos.images))
        graph = inference_graph(checkpoint)
        calibrated = calibrate(graph, photos.images, progress=lambda done: progress.update(measuring, completed=done))
        progress.remove_task(measuring)
        probes = photos.images[even_indices(len(photos.images), images)]
        expected = alphas(to_float(graph), probes)

        def error_of(model: bytes) -> float:
            return float(np.abs(alphas(model, probes) - expected).mean(dtype=np.float64))

        def error(floats: frozenset[str]) -> float:
            return error_of(calibrated.rounded(floats))

        remembered = Remembered(error)
        everything = frozenset(layer.name for layer in calibrated.layers)
        layers = []
        for layer in progress.track(calibrated.layers, description="quantizing layers one by one"):
            alone = error_of(calibrated.rounded(everything - {layer.name}, movers_in_floats=True))
            layers.append(LayerSensitivity(layer.name, layer.kind, alone, remembered({layer.name})))
        measured = Sensitivity(
            remembered(()),
            error_of(calibrated.rounded(everything, movers_in_floats=True)),
            tuple(sorted(layers, key=lambda layer: (-layer.alone, layer.name))),
        )
        searching = progress.add_task("looking for the fewest exceptions", total=None)
        proposal = propose(measured, remembered, tolerance)
        progress.remove_task(searching)

    described = {
        "format": FORMAT,
        "checkpoint": {"name": found.path.name, "sha256": checkpoint.fingerprint(), "step": checkpoint.step},
        "calibration": {"photos": len(photos.names), "sha256": photos.fingerprint(), "measured_on": len(probes)},
        **document(measured, proposal),
    }
    if output is not None and proposal.floats is not None:
        recipe = Recipe("int8", None, proposal.floats).to_json() | {
            "proposed": {key: described[key] for key in ("checkpoint", "calibration")}
            | {"tolerance": tolerance, "error": proposal.error}
        }
        _write(output, json.dumps(recipe, indent=2) + "\n")
    if plot is not None:
        _write(plot, drawing(measured, found.path.name, len(probes)))
    if json_file is not None and not to_stdout:
        _write(json_file, json.dumps(described, indent=1) + "\n")
    _print(console, measured, proposal, top, len(probes))
    if output is not None and proposal.floats is not None:
        console.print(f"[bold]wrote[/] {escape(str(output))}", soft_wrap=True)
        console.print(
            f"[bold]next[/]  export-tflite --ckpt {escape(ckpt)} --calibration {escape(str(calibration))} "
            f"--recipe {escape(str(output))}",
            soft_wrap=True,
        )
    if to_stdout:
        typer.echo(json.dumps(described, indent=1))
    if proposal.floats is None:
        raise typer.Exit(1)


def document(measured: Sensitivity, proposal: Proposal) -> dict[str, Any]:
    """Everything measured as plain JSON values."""
    return {
        "figure": "mean |Δα| against the float network",
        "all_quantized": measured.full,
        "none_quantized": measured.floor,
        "layers": [
            {
                "layer": layer.name,
                "kind": layer.kind,
                "alone": layer.alone,
                "without": layer.without,
                "gain": measured.full - layer.without,
            }
            for layer in measured.layers
        ],
        "proposal": {
            "tolerance": proposal.tolerance,
            "met": proposal.floats is not None,
            "except": list(proposal.floats or ()),
            "error": proposal.error,
            "recipe_format": RECIPE_FORMAT,
        },
    }


def drawing(measured: Sensitivity, name: str, images: int) -> str:
    """What every layer adds to the error, as an SVG file."""
    own = [max(layer.alone - measured.floor, 0.0) for layer in measured.layers]
    gains = [gain if (gain := measured.full - layer.without) > 0 else None for layer in measured.layers]
    rows = [(layer.name, error, f"{error:.5f}") for layer, error in zip(measured.layers, own, strict=True)]
    heading = [
        name,
        "What 8 bits cost, layer by layer:",
        f"mean |Δα| on {images} images; all layers: {measured.full:.5f}, none: {measured.floor:.5f}",
        "bar: added when this layer alone is quantized",
        "tick: gained when this layer alone is left out",
    ]
    return svg.standalone(svg.bars(rows, describe=" ".join(heading), marks=gains), heading)


def _print(console: Console, measured: Sensitivity, proposal: Proposal, top: int, images: int) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("layer", "operator", "alone", "without", "gain"):
        table.add_column(name, justify="left" if name in ("layer", "operator") else "right", overflow="fold")
    for layer in measured.layers[:top]:
        gain = f"{measured.full - layer.without:+.5f}".replace("-", "−")
        table.add_row(layer.name, layer.kind, f"{layer.alone:.5f}", f"{layer.without:.5f}", gain)
    console.print(table)
    if len(measured.layers) > top:
        console.print(f"[dim]… and {len(measured.layers) - top} more (--top, --json, --plot)[/]")
    console.print(
        f"[dim]mean |Δα| against the float network on {images} images. alone: only this layer in 8 bits "
        f"(none at all: {measured.floor:.5f}); without: all but this one (all: {measured.full:.5f})[/]",
        soft_wrap=True,
    )
    if proposal.floats is None:
        console.print(
            f"[bold red]no choice of layers meets {proposal.tolerance:g}[/]: with all in floats, input and output in "
            f"bytes alone cost {proposal.error:.5f}",
            soft_wrap=True,
        )
    elif not proposal.floats:
        console.print(f"[bold green]no exception needed[/] for {proposal.tolerance:g}", soft_wrap=True)
    else:
        console.print(
            f"[bold]{len(proposal.floats)} of {len(measured.layers)} layers in floats[/] give {proposal.error:.5f} "
            f"(asked for: at most {proposal.tolerance:g}): {', '.join(proposal.floats)}",
            soft_wrap=True,
        )


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
