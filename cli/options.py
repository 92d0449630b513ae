"""Options that several commands share, each with one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmnet.runtime.fullres.methods import Upsampling
from mmnet.runtime.imaging.fit import Fit
from mmnet.runtime.imaging.nobody import IfNobody
from mmnet.runtime.profiles import Profile
from mmnet.runtime.tflite.accelerator import Accelerator

WhichCheckpoint = Annotated[
    str,
    typer.Option(
        metavar="WHICH",
        help="[b]latest[/], [b]best[/], a checkpoint folder, a run, or a TF-Slim prefix or folder.",
    ),
]

CheckpointDir = Annotated[Path, typer.Option(metavar="DIR", help="The folder that holds the checkpoints.")]

SizeOption = Annotated[int | None, typer.Option(help="Input size, a multiple of 16.", show_default="the checkpoint's")]

WeightsOption = Annotated[
    str | None,
    typer.Option(
        metavar="raw|average",
        help="Which weights of a TF-Slim checkpoint that holds moving averages (ExponentialMovingAverage), too.",
        show_default="the averages, if they are complete",
    ),
]

BackgroundOption = Annotated[
    str | None,
    typer.Option(
        "--background",
        "-b",
        metavar="BACKGROUND",
        help="A colour (#00ff00, white), the path of an image, blur or transparent. "
        "Without it, the alpha matte itself is written, in grey.",
        show_default=False,
    ),
]

ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        metavar="FILE",
        help="The .tflite to run, or the name of one that ships (mmnet models).",
        show_default="the model that ships",
    ),
]

AcceleratorOption = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(Accelerator),
        help="Let LiteRT compile the model for the processor or a GPU.",
        show_default="an interpreter on the processor",
    ),
]

ProfileOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(Profile),
        help="fine: alpha guided by the photo, estimated foreground. fast: bilinear alpha, the photo's own colours, as "
        "a camera frame gets on a device.",
    ),
]

UpsamplingOption = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(Upsampling),
        help="How the network's alpha is brought to the photo's size: guided by the photo, or bilinear without it.",
        show_default="what the profile sets",
    ),
]

FitOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(Fit),
        help="How an image is brought into the network's square. stretch: all of it. crop: its middle. letterbox: all "
        "of it, with black beside it. auto: all of it, and again a crop around each group of people, if they fill "
        "little of it.",
    ),
]

IfNobodyOption = Annotated[
    str,
    typer.Option(
        metavar="|".join(IfNobody),
        help="What becomes of a photo in which nobody is found. keep: what the network computed. transparent: alpha 0 "
        "everywhere. fail: an error, and no file.",
    ),
]

ForegroundOption = Annotated[
    bool | None,
    typer.Option(
        "--foreground/--no-foreground",
        help="Composites and cut-outs take the estimated foreground, or the photo's own colours, in which the old "
        "background shows through the hair.",
        show_default="what the profile sets",
    ),
]
