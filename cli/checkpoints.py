"""`mmnet import`: a TF-Slim checkpoint becomes one of our format. `mmnet average`: several become one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mmnet.cli.options import CheckpointDir
from mmnet.files import check_writable


def import_checkpoint(
    source: Annotated[Path, typer.Argument(metavar="TF1_PATH", help="Prefix of a TF-Slim checkpoint, or its folder.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write, for example checkpoints/mine.")],
    size: Annotated[int, typer.Option(help="Input size the network is meant for; a multiple of 16.")] = 256,
    half_pixel: Annotated[
        bool, typer.Option("--half-pixel", help="It was trained with half-pixel resizes, not TensorFlow 1's.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")] = False,
) -> None:
    """Convert a TF-Slim checkpoint into a checkpoint folder (safetensors and JSON).

    Example: [bold]mmnet import training/MMNetModel-887000 checkpoints/mmnet-887000[/]
    """
    from mmnet.network.checkpoint import CheckpointKindError, save_checkpoint
    from mmnet.network.resolve import resolve
    from mmnet.network.tfslim import read_tfslim

    console = Console(soft_wrap=True, highlight=False)
    check_writable(out, force=force, folder=True)
    found = resolve(str(source), source.parent)
    if not found.tfslim:
        raise CheckpointKindError(f"{found.path}: this is a checkpoint of our format already; use it with --ckpt")
    checkpoint = read_tfslim(found.path, size=size, sampling="half_pixel" if half_pixel else "legacy")
    console.print(f"read {found.path} ({found.reason}): {checkpoint.config.name}, step {checkpoint.step}", markup=False)
    console.print(f"left out {checkpoint.provenance['left out']}", markup=False)
    save_checkpoint(checkpoint, out)
    console.print(f"wrote {out}; next: export-tflite --ckpt {out} --calibration PHOTOS", markup=False)


def average_checkpoints(
    which: Annotated[
        list[str],
        typer.Argument(
            metavar="CKPT=WEIGHT...", help="Checkpoints, named as for export-tflite, each with how much of it counts."
        ),
    ],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Folder to write.")],
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace OUT if it exists.")] = False,
) -> None:
    """Average the weights of a network before and after fine-tuning: often better than both on images unlike those
    it was fine-tuned on, and hardly worse on those.

    \b
    Examples:
      mmnet average checkpoints/before=0.65 checkpoints/after=0.35 -o checkpoints/average
      mmnet quantize --ckpt checkpoints/average --data portraits/
    """
    from mmnet.network.average import average, parse_share
    from mmnet.network.checkpoint import save_checkpoint
    from mmnet.network.resolve import resolve

    console = Console(soft_wrap=True, highlight=False)
    check_writable(out, force=force, folder=True)
    parts = []
    for name, share in map(parse_share, which):
        found = resolve(name, ckpt_dir)
        parts.append((found.load(), share))
        console.print(f"{share:g} of {found.path} ({found.reason})", markup=False)
    save_checkpoint(average(parts), out)
    console.print(f"wrote {out}; next: export-tflite --ckpt {out} --calibration PHOTOS", markup=False)
