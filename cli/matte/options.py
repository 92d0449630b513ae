"""Options of `mmnet matte`, each with its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_VIDEOS = "Videos"

Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="SOURCE",
        help="Photos, videos, or folders of them; - is standard input. Of a folder, results of an earlier run are left "
        "out.",
        show_default=False,
    ),
]

OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="The file to write, or a folder; several sources need a folder. The output of a video may also be "
        "numbered images: frames/%06d.png; - is standard output. Without this option, each result is written beside "
        "its source.",
        show_default=False,
    ),
]

ThreadsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Threads that the network runs on.", show_default="one per core, at most 4"),
]

RecursiveOption = Annotated[
    bool,
    typer.Option(
        "--recursive", "-r", help="Take the folders below each folder, too; the results keep their place below OUT."
    ),
]

SkipOption = Annotated[
    bool, typer.Option("--skip-existing", help="Skip sources whose result exists: the same command does the rest.")
]

ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Replace files that exist.")]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]

CameraOption = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="Record a camera until Ctrl-C. 0 is the first camera; a device, a URL or a pipe can be named, too.",
        show_default=False,
        rich_help_panel=_VIDEOS,
    ),
]

DurationOption = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="Stop the recording of the camera after so many seconds.",
        show_default=False,
        rich_help_panel=_VIDEOS,
    ),
]

CrfOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=51,
        help="Constant rate factor of H.264 and VP9: 0 is the best quality, 18 looks like the source.",
        show_default="12 to 24, by format",
        rich_help_panel=_VIDEOS,
    ),
]

AudioOption = Annotated[bool, typer.Option("--audio/--no-audio", help="Keep the audio.", rich_help_panel=_VIDEOS)]

SmoothingOption = Annotated[
    bool, typer.Option("--smoothing/--no-smoothing", help="Smooth the alphas over time.", rich_help_panel=_VIDEOS)
]

SalvageOption = Annotated[
    bool,
    typer.Option(
        "--salvage",
        help="Matte what can be decoded of a damaged or truncated video, instead of refusing it.",
        rich_help_panel=_VIDEOS,
    ),
]
