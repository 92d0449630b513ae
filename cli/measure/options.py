"""Options that the commands that measure share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmnet.evaluation.resize import RESIZES

SplitOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Take DIR/NAME/image and DIR/NAME/mask.", show_default=False)
]
ResizeOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(RESIZES),
        help="How photos and mattes are resized for the models: as the runtime does it, or as the original training "
        "code did, to compare with its figures.",
    ),
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write everything as JSON; - is stdout.", show_default=False),
]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="Images at a time.", show_default="one per core")]
