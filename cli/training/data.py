"""The commands `mmnet data …`: check training data, repair them, pack them, look at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from mmnet.api.documents import save_text
from mmnet.cli.console import message_console
from mmnet.cli.lazy import Application
from mmnet.cli.process.streams import echo_json
from mmnet.cli.progress import progress_bar
from mmnet.cli.training.data_report import show_report
from mmnet.cli.training.options import (
    BandOption,
    ForceOption,
    ImagesArgument,
    JobsOption,
    MasksArgument,
    MattesArgument,
    MaxSideOption,
    MethodOption,
    OutsideOption,
    SplitOption,
)
from mmnet.cli.training.scenes import make_scenes, parse_range
from mmnet.errors import OutputError
from mmnet.evaluation.datasets.sequences import ABOUT
from mmnet.files import check_writable, make_folder
from mmnet.runtime.imaging.writing import write_image
from mmnet.text import json_text
from mmnet.training.data.batches import Batches
from mmnet.training.data.check import check_data
from mmnet.training.data.layouts import Pair, find_backgrounds, find_source
from mmnet.training.data.mattes import METHODS, MatteError, MatteOutcome, Solver, load_solver, make_mattes, plan_mattes
from mmnet.training.data.packs import pack_to_file, side_for
from mmnet.training.data.preview import contact_sheet, load_some, read_augmentation
from mmnet.training.data.sequences import HEIGHTS, parse_size, people_for_small, plan_sequences, write_sequences

data_app = Application(
    no_args_is_help=True,
    help="Training data: check them, compute soft mattes, pack them, preview their augmentation, make scenes and "
    "sequences.",
)

_EXAMPLES = 5  # unpaired files that are named


@data_app.command("check")
def check(
    roots: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Data sets to train on.", show_default=False)],
    held_out: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Data set that is only measured on; none of its images may be trained on."),
    ] = None,
    validation: SplitOption = 0.05,
    json_file: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="Write the whole report as JSON; - for standard output."),
    ] = None,
    workers: JobsOption = None,
    force: ForceOption = False,
) -> None:
    """Find faults that would stop or spoil a training: unreadable files, missing partners, wrong mattes, duplicates.

    The exit code is 1 if there are problems; warnings alone leave it 0.

    \b
    A data set is a folder with one of
      image/NAME.jpg and mask/NAME.png       photos and their alpha mattes
      NAME.png, NAME.webp                    cut-outs with an alpha channel
      clip_img/…, matting/…                  AISegment

    \b
    Examples:
      mmnet data check portraits/train
      mmnet data check portraits/train more/ --held-out portraits/test --json report.json
    """
    to_stdout = json_file == "-"
    if json_file is not None and not to_stdout:
        check_writable(Path(json_file), force=force)
    console = message_console(stderr=to_stdout)
    with _progress(console, "checking") as update:
        report = check_data(roots, held_out or [], validation=validation, workers=workers, progress=update)
    show_report(report, console)
    text = json_text(report.to_json(), indent=2)
    if to_stdout:
        echo_json(text)
    elif json_file is not None:
        save_text(json_file, text + "\n", force=force)
    if report.problems:
        raise typer.Exit(1)


@data_app.command("mattes")
def make_soft_mattes(
    masks: MasksArgument,
    images: ImagesArgument,
    out: MattesArgument,
    method: MethodOption = "closed-form",
    band: BandOption = None,
    outside: OutsideOption = None,
    max_side: MaxSideOption = 1024,
    workers: JobsOption = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Compute mattes that exist again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome of each mask as JSON.")] = False,
) -> None:
    """Compute soft alpha mattes from binary masks, with closed-form or KNN matting around the masks' edges.

    The command may be stopped and started again: mattes that exist are kept. A bad file does not stop the others; the
    exit code is 1 if any failed.

    \b
    Examples:
      mmnet data mattes set/mask_binary set/image set/mask
      mmnet data mattes set/mask_binary set/image set/mask --band 10 --outside 30 --max-side 512
    """
    chosen = next((known for known in METHODS if known == method), None)
    if chosen is None:
        raise MatteError(f"unknown --method {method}; choose one of {', '.join(METHODS)}")
    console = message_console(stderr=as_json)
    plan = plan_mattes(masks, images, out, force=force)
    outcomes = list(plan.unpaired)
    make_folder(out)
    if plan.kept:
        console.print(f"[bold]kept[/]   {plan.kept} that exist in {escape(str(out))} (--force computes them again)")
    if plan.jobs:
        with console.status("loading pymatting (its first use compiles it, which takes a minute or two)"):
            load_solver(chosen)
        solver = Solver(chosen, band, band if outside is None else outside, max_side)
        with _progress(console, "matting") as update:
            for number, outcome in enumerate(make_mattes(plan.jobs, solver, workers=workers), start=1):
                outcomes.append(outcome)
                update(number, len(plan.jobs))
    failed = sorted((outcome for outcome in outcomes if outcome.error), key=lambda outcome: outcome.mask)
    for outcome in failed:
        console.print(f"[red]failed[/] {escape(str(outcome.error))}")
    console.print(f"[bold]wrote[/]  {len(outcomes) - len(failed)} mattes to {escape(str(out))}")
    if as_json:
        echo_json(_mattes_json(plan.kept, outcomes))
    if failed:
        raise typer.Exit(1)


def _mattes_json(kept: int, outcomes: Sequence[MatteOutcome]) -> str:
    ordered = sorted(outcomes, key=lambda outcome: str(outcome.mask))
    entries = [{"mask": str(item.mask), "output": str(item.output), "error": item.error} for item in ordered]
    return json_text({"kept": kept, "made": entries}, indent=None)


@data_app.command("pack")
def pack_data(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="The data set.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.npz", help="File to write.")],
    size: Annotated[int, typer.Option(min=16, max=2048, help="Largest input size to train with.")] = 256,
    workers: JobsOption = None,
    force: ForceOption = False,
) -> None:
    """Decode a data set once, into a file that training maps into memory.

    Training then starts at once, and the data may be larger than the memory. The file is uncompressed: at size 256 it
    takes 0.7 MB per image.

    \b
    Example:
      mmnet data pack portraits/train -o portraits.npz
      (then train with --data portraits.npz, or --data portraits.npz=2.5)
    """
    if output.suffix != ".npz":
        raise OutputError(f"{output}: the name of a pack ends in .npz; name such a file with -o")
    check_writable(output, force=force)
    console = message_console(stderr=False)
    source = find_source(root)
    for path, why in source.unpaired[:_EXAMPLES]:
        console.print(f"[yellow]left out[/] {escape(str(path))}: {escape(why)}")
    with _progress(console, "packing") as update:
        pack_to_file(source.pairs, side_for(size), output, root=root, workers=workers, progress=update, replace=force)
    megabytes = output.stat().st_size / 1e6
    console.print(
        f"[bold]wrote[/]  {escape(str(output))}: {len(source.pairs)} images of {side_for(size)}×{side_for(size)}, "
        f"{megabytes:,.0f} MB"
    )


@data_app.command("preview")
def preview(
    data: Annotated[
        list[str], typer.Argument(metavar="DIR...", help="Data sets, or packs, as for training.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="SHEET.png", help="Image to write.")],
    augmentation: Annotated[
        str,
        typer.Option(
            metavar="strong|published|none|FILE.json",
            help="The strong augmentation, the paper's, none, or a table of the strong one as JSON.",
        ),
    ] = "strong",
    backgrounds: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photos without people, to composite people over.")
    ] = None,
    size: Annotated[int, typer.Option(min=32, max=1024, help="Input size.")] = 256,
    rows: Annotated[int, typer.Option(min=1, max=64, help="Rows of the sheet.")] = 8,
    columns: Annotated[int, typer.Option(min=1, max=16, help="Samples per row.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of the order and the augmentation.")] = 0,
    step: Annotated[int, typer.Option(min=0, help="Number of the batch to draw.")] = 0,
    force: ForceOption = False,
) -> None:
    """Draw the images that training would see, each as image, matte and composite over green.

    The sheet shows halos, wrong mattes and unnatural colours at a glance.

    \b
    Examples:
      mmnet data preview portraits/train -o sheet.png --backgrounds scenes/
      mmnet data preview portraits/train -o sheet.png --augmentation published
    """
    if output.suffix.lower() != ".png":
        raise OutputError(f"{output}: the sheet is a PNG; name such a file with -o")
    check_writable(output, force=force)
    console = message_console(stderr=False)
    chosen = read_augmentation(augmentation)
    count = rows * columns
    with _progress(console, "reading") as update:
        parts, scenes = load_some(data, count, size, chosen, backgrounds, seed, progress=update)
    batch = Batches(parts, count, size, seed, chosen, scenes, dtype="uint8").batch(step)
    write_image(output, contact_sheet(*batch, columns), replace=force)
    console.print(f"[bold]wrote[/]  {escape(str(output))}: {count} samples of {size}×{size}")


@data_app.command("sequences")
def make_sequences(
    portraits: Annotated[Path, typer.Argument(metavar="PORTRAITS", help="Data set of the people.", show_default=False)],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write.", show_default=False)],
    backgrounds: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Photos without people, for the scenes.", show_default="plain walls"),
    ] = None,
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Number of sequences.")] = 12,
    frames: Annotated[int, typer.Option(min=2, metavar="N", help="Frames of each, at 30 per second.")] = 30,
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Size of the frames in pixels.")] = "512x512",
    motions: Annotated[
        str,
        typer.Option(metavar="NAME,...", help="Motions, taken in turn; see below."),
    ] = "still,breathe,drift,fast,shake,turn",
    height: Annotated[
        str | None,
        typer.Option(
            metavar="H|H-H",
            help="Height of the person's photo relative to the frame's. Below 0.85, people whom the sides or the upper "
            "edge of their photo cut are left out.",
            show_default="0.85-1.1",
        ),
    ] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="A perfect camera: no noise, no compression, a steady exposure.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is random.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Sequences at a time.", show_default="one per core")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace OUT if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the contents of sequences.json.")] = False,
) -> None:
    """Render short sequences of people with a known matte for every frame, from portraits with known mattes.

    The people are cut out, moved in front of moving scenes, and filmed with noise, compression and a varying exposure.
    The same arguments give the same bytes. Measure on them with [b]mmnet evaluate --video[/].

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
    frame_size = parse_size(size)
    heights = HEIGHTS if height is None else parse_range(height, "--height")
    check_writable(out, force=force, folder=True)
    console = message_console(stderr=as_json)
    scenes = [] if backgrounds is None else find_backgrounds(backgrounds)
    pairs: Sequence[Pair] = find_source(portraits).pairs
    if heights[0] < HEIGHTS[0]:
        pairs = people_for_small(pairs, workers)
    plans = plan_sequences(pairs, scenes, motions.split(","), count, seed)
    with _progress(console, "rendering") as update:
        write_sequences(
            plans,
            out,
            length=frames,
            size=frame_size,
            seed=seed,
            heights=heights,
            clean=clean,
            workers=workers,
            progress=update,
            replace=force,
        )
    console.print(f"[bold]wrote[/]  {escape(str(out))}: {count} sequences of {frames} frames, {size}")
    console.print(f"[bold]next[/]   mmnet evaluate --video --data {escape(str(out))} --model FILE")
    if as_json:
        echo_json((out / ABOUT).read_text(encoding="utf-8").removesuffix("\n"))


data_app.command("scenes")(make_scenes)


@contextmanager
def _progress(console: Console, what: str) -> Iterator[Any]:
    """Show a progress bar, and yield the function that moves it: (done, total)."""
    progress = progress_bar(console)
    with progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
