"""The commands `mmnet data …`: check training data, repair them, pack them, look at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmnet.cli.lazy import Application
from mmnet.cli.process.streams import echo_json
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
from mmnet.cli.training.scenes import make_scenes
from mmnet.cli.training.sequences import make_sequences
from mmnet.errors import OutputError
from mmnet.files import check_writable, make_folder
from mmnet.text import json_text, printable

if TYPE_CHECKING:
    from rich.console import Console

    from mmnet.training.data.mattes import MatteOutcome

data_app = Application(
    no_args_is_help=True,
    help="Training data: check them, compute soft mattes, pack them, preview their augmentation, make scenes and "
    "sequences.",
)

_EXAMPLES = 5  # unpaired files that are named


@data_app.command("check")
def check(
    roots: Annotated[list[Path], typer.Argument(metavar="DIR", help="Data sets to train on.", show_default=False)],
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
    from mmnet.api.documents import save_text
    from mmnet.cli.console import message_console
    from mmnet.cli.training.data_report import show_report
    from mmnet.training.data.check import check_data

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
    from rich.markup import escape

    from mmnet.cli.console import message_console
    from mmnet.training.data.mattes import METHODS, MatteError, Solver, load_solver, make_mattes, plan_mattes

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
        console.print(f"[red]failed[/] {escape(printable(str(outcome.error)))}")
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
    takes 0.7 MB per image. A bad file does not stop the others; the exit code is 1 if any failed.

    \b
    Example:
      mmnet data pack portraits/train -o portraits.npz
      (then train with --data portraits.npz, or --data portraits.npz=2.5)
    """
    from rich.markup import escape

    from mmnet.cli.console import message_console
    from mmnet.cli.training.data_report import show_failed
    from mmnet.training.data.layouts import find_source
    from mmnet.training.data.packs import pack_to_file, side_for
    from mmnet.training.data.usable import BadFilesError, bad_files

    if output.suffix != ".npz":
        raise OutputError(f"{output}: the name of a pack ends in .npz; name such a file with -o")
    check_writable(output, force=force)
    console = message_console(stderr=False)
    source = find_source(root)
    for path, why in source.unpaired[:_EXAMPLES]:
        console.print(f"[yellow]left out[/] {escape(printable(str(path)))}: {escape(printable(why))}")
    if len(source.unpaired) > _EXAMPLES:
        console.print(f"[yellow]left out[/] {len(source.unpaired) - _EXAMPLES} more without a partner")
    with _progress(console, "reading") as update:
        bad = bad_files(source.pairs, workers=workers, progress=update)
    pairs = [pair for pair in source.pairs if pair not in bad]
    if not pairs:
        raise BadFilesError(bad.values())
    with _progress(console, "packing") as update:
        pack_to_file(pairs, side_for(size), output, root=root, workers=workers, progress=update, replace=force)
    megabytes = output.stat().st_size / 1e6
    console.print(
        f"[bold]wrote[/]  {escape(str(output))}: {len(pairs)} images of {side_for(size)}×{side_for(size)}, "
        f"{megabytes:,.0f} MB"
    )
    show_failed(console, list(bad.values()), "images")


@data_app.command("preview")
def preview(
    data: Annotated[
        list[str], typer.Argument(metavar="DIR", help="Data sets, or packs, as for training.", show_default=False)
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
    from rich.markup import escape

    from mmnet.cli.console import message_console
    from mmnet.runtime.imaging.writing import write_image
    from mmnet.training.data.batches import Batches
    from mmnet.training.data.preview import contact_sheet, load_some, read_augmentation

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


data_app.command("sequences")(make_sequences)
data_app.command("scenes")(make_scenes)


@contextmanager
def _progress(console: Console, what: str) -> Iterator[Any]:
    """Show a progress bar, and yield the function that moves it: (done, total)."""
    from mmnet.cli.progress import progress_bar

    progress = progress_bar(console)
    with progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
