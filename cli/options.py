"""Options that several commands take, in one wording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

WhichCheckpoint = Annotated[
    str,
    typer.Option(
        metavar="WHICH",
        help="[b]latest[/], [b]best[/], a checkpoint folder, a run, or a TF-Slim prefix or folder.",
    ),
]
CheckpointDir = Annotated[Path, typer.Option(metavar="DIR", help="Where checkpoints are kept.")]
