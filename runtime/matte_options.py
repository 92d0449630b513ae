"""Options that several commands share, with one text."""

from __future__ import annotations

from typing import Annotated

import typer

from mmnet.runtime.upsample import Upsampling

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
