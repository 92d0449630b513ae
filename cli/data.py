"""`mmnet data …`: look at training data, fix it, pack it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mmnet.cli.progress import progress_bar
from mmnet.errors import OutputError
from mmnet.files import atomic_file, check_writable, make_folder

if TYPE_CHECKING:
    from mmnet.training.data.check import Report

data_app = typer.Typer(
    no_args_is_help=True,
    help="Training data: check it, make soft mattes, pack it, look at what augmentation makes of it.",
    rich_markup_mode="rich",
)

_EXAMPLES = 5  # files named for each kind of finding; --json has them all

_Validation = Annotated[
    float, typer.Option("--validation", min=0, max=1, metavar="PART", help="Part of the images that validates.")
]
_Workers = Annotated[int | None, typer.Option(min=1, help="How many at a time.", show_default="one a core")]
_Force = Annotated[bool, typer.Option("--force", "-f", help="Replace what exists.")]


@data_app.command("check")
def check_data(
    roots: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Data sets to train on.", show_default=False)],
    held_out: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Data set that is only measured on: none of it may be trained on."),
    ] = None,
    validation: _Validation = 0.05,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON; - for standard output.")
    ] = None,
    workers: _Workers = None,
    force: _Force = False,
) -> None:
    """Find what would stop or spoil a training: unreadable files, missing partners, wrong mattes, duplicates.

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
    from mmnet.training.data.check import check

    to_stdout = json_file == "-"
    if json_file is not None and not to_stdout:
        check_writable(Path(json_file), force=force)
    console = _console(to_stdout)
    with _progress(console, "looking") as update:
        report = check(roots, held_out or [], validation=validation, workers=workers, progress=update)
    _show(report, console)
    text = json.dumps(report.to_json(), indent=2)
    if to_stdout:
        typer.echo(text)
    elif json_file is not None:
        with atomic_file(Path(json_file)) as temporary:
            temporary.write_text(text + "\n")
    if report.problems:
        raise typer.Exit(1)


@data_app.command("mattes")
def make_soft_mattes(
    masks: Annotated[Path, typer.Argument(metavar="MASKS", help="Folder of binary masks.")],
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="Folder of the photos, of the same stems.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write NAME.png to.")],
    method: Annotated[str, typer.Option(metavar="closed-form|knn", help="closed-form is several times faster.")] = (
        "closed-form"
    ),
    band: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="PX", help="How far the mask's edge may be off, each way.", show_default="1/80 of the side"
        ),
    ] = None,
    outside: Annotated[
        int | None,
        typer.Option(min=1, metavar="PX", help="How far out of the mask hair may reach.", show_default="as --band"),
    ] = None,
    max_side: Annotated[
        int, typer.Option(min=64, metavar="PX", help="Solve at most at this size; larger photos take long.")
    ] = 1024,
    workers: _Workers = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Make those again that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what became of each mask as JSON.")] = False,
) -> None:
    """Make soft alpha mattes of binary masks, with closed-form or KNN matting around the masks' edges.

    It may be stopped and started again: mattes that exist are kept. One bad file does not stop the others; the exit
    code is 1 if any failed.

    \b
    Examples:
      mmnet data mattes set/mask_binary set/image set/mask
      mmnet data mattes set/mask_binary set/image set/mask --band 10 --outside 30 --max-side 512
    """
    from mmnet.training.data.mattes import METHODS, Made, MatteError, Solver, load_solver, make_mattes, plan

    chosen = next((known for known in METHODS if known == method), None)
    if chosen is None:
        raise MatteError(f"--method {method}: is unknown; choose one of {', '.join(METHODS)}")
    console = _console(as_json)
    todo, done, results = plan(masks, images, out, force=force)
    make_folder(out)
    if done:
        console.print(f"[bold]kept[/]   {done} that exist in {escape(str(out))} (--force makes them again)")
    if todo:
        with console.status("loading pymatting (its first use compiles it, which takes a minute or two)"):
            load_solver(chosen)
        solver = Solver(chosen, band, band if outside is None else outside, max_side)
        with _progress(console, "matting") as update:
            for number, made in enumerate(make_mattes(todo, solver, workers=workers), start=1):
                results.append(made)
                update(number, len(todo))
    failed: list[Made] = sorted((made for made in results if made.error), key=lambda made: made.mask)
    for made in failed:
        console.print(f"[red]failed[/] {escape(str(made.error))}")
    console.print(f"[bold]wrote[/]  {len(results) - len(failed)} mattes to {escape(str(out))}")
    if as_json:
        items = [{"mask": str(m.mask), "output": str(m.output), "error": m.error} for m in results]
        typer.echo(json.dumps({"kept": done, "made": sorted(items, key=lambda item: str(item["mask"]))}))
    if failed:
        raise typer.Exit(1)


@data_app.command("pack")
def pack_data(
    root: Annotated[Path, typer.Argument(metavar="DIR", help="The data set.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.npz", help="File to write.")],
    size: Annotated[int, typer.Option(min=16, max=2048, help="Largest input size to train with.")] = 256,
    workers: _Workers = None,
    force: _Force = False,
) -> None:
    """Decode a data set once, into a file that training maps: it starts at once and may be larger than the memory.

    The file is uncompressed: at size 256 it takes 0.7 MB an image.

    \b
    Example:
      mmnet data pack portraits/train -o portraits.npz
      (then train with --data portraits.npz, or --data portraits.npz=2.5)
    """
    from mmnet.training.data.layouts import find_source
    from mmnet.training.data.packs import pack_to_file, side_for

    if output.suffix != ".npz":
        raise OutputError(f"{output}: a pack's name ends in .npz; name such a file with -o")
    check_writable(output, force=force)
    console = _console(False)
    source = find_source(root)
    for path, why in source.unpaired[:_EXAMPLES]:
        console.print(f"[yellow]left out[/] {escape(str(path))}: {escape(why)}")
    with _progress(console, "packing") as update:
        pack_to_file(source.pairs, side_for(size), output, root=root, workers=workers, progress=update)
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
    recipe: Annotated[
        str,
        typer.Option(
            metavar="own|published|none|FILE.json",
            help="What to augment with: a table as JSON, ours, the paper's, or nothing.",
        ),
    ] = "own",
    backgrounds: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photos without people, to lay behind.")
    ] = None,
    size: Annotated[int, typer.Option(min=32, max=1024, help="Input size.")] = 256,
    rows: Annotated[int, typer.Option(min=1, max=64)] = 8,
    columns: Annotated[int, typer.Option(min=1, max=16, help="Samples a row.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of the sequence.")] = 0,
    step: Annotated[int, typer.Option(min=0, help="Batch to show.")] = 0,
    force: _Force = False,
) -> None:
    """Draw what training would see: each sample as image, matte, and the person laid over green.

    Halos, wrong mattes and colours that no camera makes show at a glance.

    \b
    Examples:
      mmnet data preview portraits/train -o sheet.png --backgrounds scenes/
      mmnet data preview portraits/train -o sheet.png --recipe published
    """
    from mmnet.runtime.imaging.writing import write_image
    from mmnet.training.data.pipeline import Batches
    from mmnet.training.data.preview import contact_sheet, few_parts, read_recipe

    if output.suffix.lower() != ".png":
        raise OutputError(f"{output}: the sheet is a PNG; name such a file with -o")
    check_writable(output, force=force)
    console = _console(False)
    chosen = read_recipe(recipe)
    count = rows * columns
    with _progress(console, "reading") as update:
        parts, scenes = few_parts(data, count, size, chosen, backgrounds, seed, progress=update)
    batch = Batches(parts, count, size, seed, chosen, scenes, dtype="uint8").batch(step)
    write_image(output, contact_sheet(*batch, columns))
    console.print(f"[bold]wrote[/]  {escape(str(output))}: {count} samples of {size}×{size}")


@data_app.command("sequences")
def make_sequences(
    portraits: Annotated[Path, typer.Argument(metavar="PORTRAITS", help="A data set: the people.", show_default=False)],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write.", show_default=False)],
    backgrounds: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Photos without people: the scenes.", show_default="plain walls"),
    ] = None,
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Sequences.")] = 12,
    frames: Annotated[int, typer.Option(min=2, metavar="N", help="Frames of each, 30 a second.")] = 30,
    size: Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Of the frames, in pixels.")] = "512x512",
    motions: Annotated[
        str,
        typer.Option(metavar="NAME,...", help="Taken in turn; see below."),
    ] = "still,breathe,drift,fast,shake,turn",
    clean: Annotated[
        bool, typer.Option("--clean", help="No noise, no compression, no changing exposure: a perfect camera.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Sequences at a time.", show_default="one a core")] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace OUT if it exists.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Make short videos of people from portraits with known mattes, whose matte is known in every frame.

    People are cut out with their own colours, moved before moving scenes, and filmed with noise, compression and an
    unsteady exposure. The same arguments give the same bytes. Measure on them with [b]mmnet evaluate --video[/].

    \b
    Motions:
      still     neither person nor scene moves
      breathe   the chest heaves, the head sways a little, before a still scene
      drift     the person moves slowly before a panning scene
      fast      the person moves fast and with stops, the scene slowly
      shake     a camera held in an unsteady hand
      turn      the person turns and leans before a still scene

    \b
    Examples:
      mmnet data sequences portraits/test sequences/ --backgrounds scenes/ --count 18
      mmnet data sequences portraits/test stills/ --motions still,breathe --clean --size 640x360
    """
    from mmnet.training.data.layouts import find_backgrounds, find_source
    from mmnet.training.data.sequences import parse_size, plan_sequences, write_sequences

    frame_size = parse_size(size)
    check_writable(out, force=force, folder=True)
    console = _console(as_json)
    scenes = [] if backgrounds is None else find_backgrounds(backgrounds)
    plans = plan_sequences(find_source(portraits).pairs, scenes, motions.split(","), count, seed)
    with _progress(console, "filming") as update:
        write_sequences(
            plans, out, length=frames, size=frame_size, seed=seed, clean=clean, workers=workers, progress=update
        )
    console.print(f"[bold]wrote[/]  {escape(str(out))}: {count} sequences of {frames} frames, {size}")
    console.print(f"[bold]next[/]   mmnet evaluate --video --data {escape(str(out))} --model FILE")
    if as_json:
        typer.echo((out / "sequences.json").read_text(encoding="utf-8"), nl=False)


def _show(report: Report, console: Console) -> None:
    """The report as tables."""
    from mmnet.training.data.check import KINDS

    table = Table(title_justify="left", box=None, pad_edge=False)
    for name in ("data set", "layout", "use", "pairs", "validating", "smallest", "largest", "person"):
        table.add_column(name, justify="right" if name in ("pairs", "validating", "person") else "left", no_wrap=True)
    for s in report.summaries:
        sizes = ("-" if side is None else f"{side[0]}×{side[1]}" for side in (s.smallest, s.largest))
        person = "" if s.coverage is None else f"{s.coverage:.0%}"
        table.add_row(escape(str(s.root)), s.layout, s.use, f"{s.pairs:,}", f"{s.validation:,}", *sizes, person)
    console.print(table)
    counts = Counter(finding.kind for finding in report.findings)
    for name, kind in KINDS.items():
        if not counts[name]:
            continue
        mark = "[red]✗[/]" if kind.is_problem else "[yellow]![/]"
        console.print(f"{mark} [bold]{counts[name]} × {name}[/]: {escape(kind.fix)}")
        some = [finding for finding in report.findings if finding.kind == name]
        for finding in some[:_EXAMPLES]:
            detail = f": {finding.detail}" if finding.detail else ""
            console.print(f"    {escape(str(finding.file) + detail)}")
        if len(some) > _EXAMPLES:
            console.print(f"    … and {len(some) - _EXAMPLES} more; --json FILE names them all")
    if not report.problems:
        console.print("[green]✓[/] no problems")


def _console(machine_output: bool) -> Console:
    return Console(stderr=machine_output, soft_wrap=True, highlight=False)


@contextmanager
def _progress(console: Console, what: str) -> Iterator[Any]:
    """A bar, and the function that moves it: (done, total)."""
    progress = progress_bar(console)
    with progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
