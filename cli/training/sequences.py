"""`mmnet data sequences`: people of a data set moved in front of scenes, with a known matte for every frame."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from mmnet.cli.console import message_console
from mmnet.cli.process.streams import echo_json
from mmnet.cli.progress import progress_bar, stage_bars
from mmnet.cli.training.scenes import parse_range
from mmnet.files import check_writable

PlacesOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Photos without people, for the scenes.", show_default="plain walls"),
]
MotionsOption = Annotated[str, typer.Option(metavar="NAME,...", help="Motions, taken in turn; see below.")]
HeightOption = Annotated[
    str | None,
    typer.Option(
        metavar="H|H-H",
        help="Height of the person's photo relative to the frame's. Below 0.85, people whom the sides or the upper "
        "edge of their photo cut are left out.",
        show_default="0.85-1.1",
    ),
]
CleanOption = Annotated[
    bool, typer.Option("--clean", help="A perfect camera: no noise, no compression, a steady exposure.")
]


def make_sequences(
    portraits: Annotated[Path, typer.Argument(metavar="PORTRAITS", help="Data set of the people.", show_default=False)],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write.", show_default=False)],
    backgrounds: PlacesOption = None,
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Number of sequences.")] = 12,
    frames: Annotated[int, typer.Option(min=2, metavar="N", help="Frames of each, at 30 per second.")] = 30,
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Size of the frames in pixels.")] = "512x512",
    motions: MotionsOption = "still,breathe,drift,fast,shake,turn",
    height: HeightOption = None,
    clean: CleanOption = False,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is random.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Sequences at a time.", show_default="one per core")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace OUT if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the contents of sequences.json.")] = False,
) -> None:
    """Render short sequences of people with a known matte for every frame, from portraits with known mattes.

    The people are cut out, moved in front of moving scenes, and filmed with noise, compression and a varying exposure.
    The same arguments give the same bytes. A bad file does not stop the others; the exit code is 1 if any failed.
    Measure on them with [b]mmnet evaluate --video[/].

    \b
    Motions:
      still     neither person nor scene moves
      breathe   the chest heaves, the head sways a little, in front of a still scene
      drift     the person moves slowly in front of a panning scene
      fast      the person moves fast and with stops, the scene slowly
      walk      the person walks to and fro, nearer and farther, in front of a still scene
      shake     a camera held in an unsteady hand
      turn      the person turns and leans in front of a still scene

    \b
    Examples:
      mmnet data sequences portraits/test sequences/ --backgrounds scenes/ --count 18
      mmnet data sequences portraits/test stills/ --motions still,breathe --clean --size 640x360
      mmnet data sequences cutouts/ small/ --height 0.3-0.6 --motions walk,fast --size 640x360 --frames 60
    """
    from mmnet.cli.training.data_report import show_failed
    from mmnet.evaluation.datasets.sequences import ABOUT
    from mmnet.training.data.layouts import find_backgrounds, find_source
    from mmnet.training.data.sequences import HEIGHTS, images_of, parse_size, plan_sequences, write_sequences
    from mmnet.training.data.usable import people_for_small, plan_without_bad_files

    frame_size = parse_size(size)
    heights = HEIGHTS if height is None else parse_range(height, "--height")
    check_writable(out, force=force, folder=True)
    console = message_console(stderr=as_json)
    scenes = [] if backgrounds is None else find_backgrounds(backgrounds)
    people, cut = list(find_source(portraits).pairs), list[str]()
    with progress_bar(console) as progress:
        show = stage_bars(progress)
        if heights[0] < HEIGHTS[0]:
            people, cut = people_for_small(people, workers)
        plans, bad = plan_without_bad_files(
            lambda some, places: plan_sequences(some, places, motions.split(","), count, seed),
            images_of,
            people,
            scenes,
            workers=workers,
            progress=partial(show, "reading"),
        )
        write_sequences(
            plans,
            out,
            length=frames,
            size=frame_size,
            seed=seed,
            heights=heights,
            clean=clean,
            workers=workers,
            progress=partial(show, "rendering"),
            replace=force,
        )
    console.print(f"[bold]wrote[/]  {escape(str(out))}: {count} sequences of {frames} frames, {size}")
    console.print(f"[bold]next[/]   mmnet evaluate --video --data {escape(str(out))} --model FILE")
    if as_json:
        echo_json((out / ABOUT).read_text(encoding="utf-8").removesuffix("\n"))
    show_failed(console, [*cut, *bad], "files")
