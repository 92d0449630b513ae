"""`mmnet import` converts a TF-Slim checkpoint; `mmnet average` averages checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmnet.cli.options import CheckpointDir, SizeOption, WeightsOption
from mmnet.files import check_writable


def import_checkpoint(
    source: Annotated[Path, typer.Argument(metavar="TF1_PATH", help="Prefix of a TF-Slim checkpoint, or its folder.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write, for example checkpoints/mine.")],
    size: Annotated[int, typer.Option(help="Input size that the network was trained for; a multiple of 16.")] = 256,
    half_pixel: Annotated[
        bool, typer.Option("--half-pixel", help="It was trained with half-pixel resizes, not with TensorFlow 1's.")
    ] = False,
    weights: WeightsOption = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace OUT if it exists.")] = False,
) -> None:
    """Convert a TF-Slim checkpoint into a checkpoint folder (safetensors and JSON).

    Moving averages of the weights are taken where every trained variable has one; --weights chooses.

    \b
    Examples:
      mmnet import training/MMNetModel-887000 checkpoints/mmnet-887000
      mmnet import training/model.ckpt-20 checkpoints/raw --weights raw
    """
    from mmnet.cli.console import message_console
    from mmnet.network.checkpoint import CheckpointKindError, save_checkpoint
    from mmnet.network.resolve import resolve
    from mmnet.network.tfslim import read_tfslim

    console = message_console(stderr=False)
    check_writable(out, force=force, folder=True)
    found = resolve(str(source), source.parent)
    if not found.tfslim:
        raise CheckpointKindError(f"{found.path}: is a checkpoint folder already; use it with --ckpt")
    checkpoint = read_tfslim(found.path, size=size, sampling="half_pixel" if half_pixel else "legacy", weights=weights)
    console.print(f"read {found.path} ({found.reason}): {checkpoint.config.name}, step {checkpoint.step}", markup=False)
    if "weights" in checkpoint.provenance:
        console.print(f"weights: {checkpoint.provenance['weights']}", markup=False)
    console.print(f"left out {checkpoint.provenance['left out']}", markup=False)
    save_checkpoint(checkpoint, out, force=force)
    console.print(f"wrote {out}; next: export-tflite --ckpt {out} --calibration PHOTOS", markup=False)


def average_checkpoints(
    which: Annotated[
        list[str],
        typer.Argument(
            metavar="CKPT=FACTOR", help="Checkpoints, named as for export-tflite, each with its factor in the mean."
        ),
    ],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Folder to write.")],
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    size: SizeOption = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace OUT if it exists.")] = False,
) -> None:
    """Average the weights of a network before and after fine-tuning.

    The average is often better than both on images unlike those of the fine-tuning, and hardly worse on those.
    Checkpoints of different input sizes need --size, which becomes that of the average.

    \b
    Examples:
      mmnet average checkpoints/before=0.65 checkpoints/after=0.35 -o checkpoints/average
      mmnet average checkpoints/at-256=0.5 checkpoints/at-192=0.5 --size 192 -o checkpoints/average
      mmnet quantize --ckpt checkpoints/average --data portraits/
    """
    from mmnet.cli.console import message_console
    from mmnet.network.average import average, parse_factor
    from mmnet.network.checkpoint import save_checkpoint
    from mmnet.network.resolve import open_checkpoint

    console = message_console(stderr=False)
    check_writable(out, force=force, folder=True)
    parts = []
    for name, factor in map(parse_factor, which):
        opened = open_checkpoint(name, ckpt_dir, size=size)
        parts.append((opened.checkpoint, factor))
        console.print(f"{factor:g} of {opened.source.path} ({opened.source.reason})", markup=False)
    save_checkpoint(average(parts), out, force=force)
    console.print(f"wrote {out}; next: export-tflite --ckpt {out} --calibration PHOTOS", markup=False)
