"""Options that several commands share, with one text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmnet.runtime.fullres.upsample import Upsampling

BackgroundOption = Annotated[
    str | None,
    typer.Option(
        "--background",
        "-b",
        metavar="BACKGROUND",
        help="A colour (#00ff00, white), an image's path, blur or transparent. "
        "Without it, the alpha matte itself is written, in grey.",
        show_default=False,
    ),
]

ModelOption = Annotated[
    Path | None,
    typer.Option("--model", "-m", metavar="FILE", help="The .tflite to run.", show_default="the one that ships"),
]

UpsamplingOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(Upsampling),
        help="How the network's alpha comes to the photo's size: guided by the photo, or bilinear without it.",
    ),
]

ForegroundOption = Annotated[
    bool,
    typer.Option(
        "--foreground/--no-foreground",
        help="Composites and cut-outs take the person's own colours, estimated, or the photo's, in which the old "
        "background shines through the hair.",
    ),
]
