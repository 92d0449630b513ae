"""Options that the commands that measure share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmnet.runtime.imaging.fit import Fit

SplitOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Take DIR/NAME/image and DIR/NAME/mask.", show_default=False)
]
ResizeOption = Annotated[
    str,
    typer.Option(
        metavar="runtime|original",
        help="How photos and mattes are resized for the models: as the runtime does it, or as the original training "
        "code did, to compare with its figures.",
    ),
]
FitOption = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(Fit),
        help="How photos are brought into the models' square; mmnet matte says what the words mean.",
        show_default="auto; stretch with --resize original",
    ),
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write everything as JSON; - is stdout.", show_default=False),
]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="Images at a time.", show_default="one per core")]

# `mmnet parity` and `mmnet compare`.
MODEL_OR_CHECKPOINT = (
    "A .tflite, the name of a model that ships, or a checkpoint as export-tflite takes it, which is measured as its "
    "float .tflite."
)
ComparedDataOption = Annotated[
    Path,
    typer.Option(
        "--data",
        "-d",
        metavar="DIR",
        help="Holds image/ and mask/, paired by stem; or photos alone, on which only the two can be compared.",
        show_default=False,
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Take at most N images, spread over the folder.", show_default="all"),
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write an HTML page: one file, with images.", show_default=False),
]
PhotosOption = Annotated[
    bool, typer.Option("--photos/--no-photos", help="Whether the report shows the worst and the median images.")
]
