"""`mmnet data scenes`: people of a data set placed into backgrounds, with known mattes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from mmnet.cli.console import message_console
from mmnet.cli.process.streams import echo_json
from mmnet.cli.progress import progress_bar, stage_bars
from mmnet.cli.training.options import ForceOption, JobsOption
from mmnet.files import check_writable

PeopleArgument = Annotated[
    Path,
    typer.Argument(
        metavar="PEOPLE", help="Data set of the people: image/ and mask/, or RGBA cut-outs.", show_default=False
    ),
]
BackgroundsArgument = Annotated[
    Path, typer.Argument(metavar="BACKGROUNDS", help="Folder of photos without people.", show_default=False)
]
OutArgument = Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write.", show_default=False)]
CountOption = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Number of scenes.", show_default="one per person")
]
SizeOption = Annotated[
    str, typer.Option(metavar="WIDTHxHEIGHT,...", help="Size of the scenes in pixels; several are taken in turn.")
]
GroupOption = Annotated[
    str, typer.Option("--people", metavar="N|N-M", help="People in each scene, side by side: a number or a range.")
]
HeightOption = Annotated[
    str,
    typer.Option(
        metavar="H|H-H", help="Height of a person relative to the scene's; above 1, the lower edge cuts the person."
    ),
]


def make_scenes(
    people: PeopleArgument,
    backgrounds: BackgroundsArgument,
    out: OutArgument,
    count: CountOption = None,
    size: SizeOption = "640x360",
    group: GroupOption = "1",
    height: HeightOption = "0.5-0.85",
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is random.")] = 0,
    workers: JobsOption = None,
    force: ForceOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the contents of scenes.json.")] = False,
) -> None:
    """Place people into backgrounds, to measure or to train on: small in wide scenes, or side by side.

    People are cut out by their mattes, placed, and composited with their own foreground. Where an edge of a photo cuts
    a person, the person stays at that edge of the scene. People whom the upper edge or both sides cut are left out; in
    scenes of several people, also those whom one side cuts. The same arguments give the same bytes. A bad file does not
    stop the others; the exit code is 1 if any failed. Measure on the scenes with [b]mmnet evaluate[/].

    \b
    Examples:
      mmnet data scenes portraits/test places/ wide/
      mmnet data scenes cutouts/ places/ groups/ --people 2-4 --count 40 --size 640x360,512x384 --seed 13
      mmnet data scenes cutouts/ places/ small/ --height 0.2-0.4 --count 100
    """
    from mmnet.cli.training.data_report import show_failed
    from mmnet.training.data.layouts import find_backgrounds, find_source
    from mmnet.training.data.scene_sets import ABOUT, SceneOptions, images_of, plan_scenes, usable_people, write_scenes
    from mmnet.training.data.scenes import SceneError
    from mmnet.training.data.sequences import parse_size
    from mmnet.training.data.usable import BadFilesError, plan_without_bad_files

    sizes = tuple(parse_size(text) for text in size.split(","))
    least, most = parse_range(group, "--people", whole=True)
    options = SceneOptions(sizes, (round(least), round(most)), parse_range(height, "--height"))
    check_writable(out, force=force, folder=True)
    console = message_console(stderr=as_json)
    source, scenes = find_source(people), find_backgrounds(backgrounds)
    with progress_bar(console) as progress:
        show = stage_bars(progress)
        usable, unreadable = usable_people(
            source.pairs, options, workers=workers, progress=lambda done, total: show("reading mattes", done, total)
        )
        if unreadable and len(unreadable) == len(source.pairs):
            raise BadFilesError(unreadable)
        if not usable:
            raise SceneError(
                f"{people}: the edges of their photos cut all {len(source.pairs)} people so that none can be placed; "
                "give photos with room around the people, or cut-outs"
            )
        plans, bad = plan_without_bad_files(
            lambda some, places: plan_scenes(some, places, count, seed, options),
            images_of,
            usable,
            scenes,
            workers=workers,
            progress=lambda done, total: show("reading photos", done, total),
        )
        write_scenes(
            plans,
            out,
            seed=seed,
            heights=options.heights,
            workers=workers,
            progress=lambda done, total: show("making scenes", done, total),
            replace=force,
        )
    left_out = len(source.pairs) - len(usable) - len(unreadable)
    people_count = len({pair for plan in plans for pair in plan.people})
    console.print(
        f"[bold]wrote[/]  {escape(str(out))}: {len(plans)} scenes with {people_count} people; {left_out} left out "
        "whom the edges of their photos cut"
    )
    console.print(f"[bold]next[/]   mmnet evaluate --data {escape(str(out))} --model FILE")
    if as_json:
        echo_json((out / ABOUT).read_text(encoding="utf-8").removesuffix("\n"))
    show_failed(console, [*unreadable, *bad], "files")


def parse_range(text: str, option: str, *, whole: bool = False) -> tuple[float, float]:
    """Parse `2`, `2-4` or `0.5-0.85`.

    Raises:
        SceneError: the text has another form.
    """
    from mmnet.training.data.scenes import SceneError

    number = r"\d+" if whole else r"\d+(?:\.\d+)?|\.\d+"
    found = re.fullmatch(f"({number})(?:-({number}))?", text)
    if found is None:
        example = "2 or 2-4" if whole else "0.6 or 0.5-0.85"
        raise SceneError(f"{option} {text}: not a number or a range; write for example {example}")
    return float(found[1]), float(found[2] or found[1])
