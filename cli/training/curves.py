"""The command `mmnet curves`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmnet.cli.options import CheckpointDir
from mmnet.files import atomic_file, check_writable


def curves(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="Name of a run in CKPT_DIR, or its folder.", show_default=False)
    ],
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.csv", help="Table to write.", show_default="RUN/curves.csv"),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Image to write.", show_default="RUN/curves.png")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the files if they exist.")] = False,
) -> None:
    """Write the training curves of a run as a table and as an image.

    \b
    Examples:
      mmnet curves fine-tune
      mmnet curves checkpoints/fine-tune -o curves.csv --plot curves.png --force
    """
    from rich.markup import escape

    from mmnet.cli.console import message_console
    from mmnet.training.curves import curves_image, curves_table, find_run, read_curves

    console = message_console(stderr=False)
    run = find_run(run, ckpt_dir)
    table_path, image_path = output or run / "curves.csv", plot or run / "curves.png"
    recorded = read_curves(run)
    for path in (table_path, image_path):
        check_writable(path, force=force)
    contents = {table_path: curves_table(recorded).encode(), image_path: curves_image(recorded)}
    for path, content in contents.items():
        with atomic_file(path, replace=force) as temporary:
            temporary.write_bytes(content)
        console.print(f"[bold]wrote[/]        {escape(str(path))}")
