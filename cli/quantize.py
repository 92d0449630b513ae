"""`mmnet quantize`."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TextColumn

from mmnet.cli.options import CheckpointDir, WhichCheckpoint
from mmnet.cli.progress import progress_bar
from mmnet.errors import MissingExtraError, MMNetError, OutputExistsError

if TYPE_CHECKING:
    from mmnet.network.checkpoint import Checkpoint
    from mmnet.network.ranges import Ranges
    from mmnet.training.qat.loop import Photos


class QuantizeError(MMNetError):
    """The arguments do not say what to measure or to train on."""


def quantize(
    ckpt: WhichCheckpoint = "latest",
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIR[=WEIGHT]",
            help="Data set to train on, as for [b]mmnet train[/]; several are joined.",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=0, help="Steps to train; 0 only measures the ranges.")] = 300,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of photos to measure the first ranges on.", show_default="images of --data"
        ),
    ] = None,
    calibration_photos: Annotated[
        int, typer.Option(metavar="N", min=1, help="Measure on at most N of them, spread over the folder.")
    ] = 100,
    run: Annotated[str, typer.Option(metavar="NAME", help="Name of the run.")] = "quantized",
    resume: Annotated[
        str | None,
        typer.Option(metavar="latest", help="Go on with the run where its newest checkpoint is, bit for bit."),
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Images a step.", show_default="8")] = None,
    size: Annotated[
        int | None, typer.Option(help="Input size, a multiple of 16.", show_default="the checkpoint's")
    ] = None,
    backgrounds: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Photos without people, to lay behind people; takes longer to read the data."),
    ] = None,
    validation: Annotated[float, typer.Option(min=0, max=1, help="Part of the images that validates.")] = 0.05,
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    save_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 100,
    keep: Annotated[int, typer.Option(min=1, help="Newest checkpoints to keep, beside the best.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of data order and augmentation.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads that prepare images.", show_default="one a core")
    ] = None,
) -> None:
    """Give a checkpoint the ranges of its 8-bit activations, and train it to bear the rounding.

    The network that is exported (rewritten, norms folded) is trained in simulated 8 bits, from the labels and from its
    own float version. The checkpoint that comes out needs no calibration photos: [b]export-tflite --ckpt THAT[/].

    \b
    Examples:
      mmnet quantize --ckpt MMNetModel-887000 --data portraits/ --backgrounds scenes/
      mmnet quantize --ckpt latest --data portraits/ --steps 1000 --run mine-int8 --resume latest
      mmnet quantize --ckpt latest --steps 0 --calibration photos/
    """
    if resume not in (None, "latest"):
        raise typer.BadParameter("only latest can be resumed", param_hint="--resume")
    if steps and not data:
        raise QuantizeError("training needs images with mattes: add --data DIR, or only measure ranges with --steps 0")
    if not (data or calibration):
        raise QuantizeError("there is nothing to measure ranges on: add --calibration PHOTOS, or --data DIR")
    from mmnet.network.resolve import resolve

    console = Console(soft_wrap=True, highlight=False)
    folder = ckpt_dir / run
    if resume is None and folder.exists() and any(folder.iterdir()):
        raise OutputExistsError(
            f"{folder}: holds a run already; go on with --resume latest, or name another with --run"
        )
    found = resolve(ckpt, ckpt_dir)
    start = found.load().resized(size)
    console.print(f"[bold]from[/]        {escape(str(found.path))} ({escape(found.reason)})")

    from mmnet.cli.train import DataSets, Reporter
    from mmnet.training.backend import load_keras
    from mmnet.training.loop import Job
    from mmnet.training.qat.loop import calibrate, measure_ranges, recipe_for, train_quantized, training_photos

    recipe = recipe_for(start.config.size, steps, batch, backgrounds=backgrounds is not None)
    with progress_bar(console, TextColumn("{task.fields[note]}")) as progress:
        # Ranges are measured on what is then trained on.
        data_sets = cache(DataSets(data or [], recipe, validation, backgrounds, workers, progress, console))

        def measure() -> Ranges:
            if calibration is not None:
                photos = _calibration_photos(calibration, start, calibration_photos, progress, console)
            else:
                photos = training_photos(data_sets(start.config.size), start.config.size, calibration_photos)
            task = progress.add_task("measuring ranges", total=len(photos.images), note="")
            ranges = measure_ranges(start, photos, progress=lambda done: progress.update(task, completed=done))
            progress.remove_task(task)
            console.print(f"[bold]ranges[/]      {len(ranges.limits)} measured on {len(photos.images)} images")
            return ranges

        if steps == 0:
            last = calibrate(start, measure(), folder)
        else:
            job = Job(
                recipe=recipe,
                folder=folder,
                data=data_sets,
                description={"data": [Path(name).name for name in data or ()], "validation": validation},
                seed=seed,
                start=start,
                save_every=save_every,
                keep=keep,
                workers=workers,
            )
            if find_spec("tensorflow_model_optimization") is None:
                raise MissingExtraError("export", "tensorflow-model-optimization")
            keras = load_keras("tensorflow", recipe)
            folder.mkdir(parents=True, exist_ok=True)
            with Reporter(folder / "events", progress, console) as reporter:
                last = train_quantized(job, keras, reporter, measure)
    console.print(f"[bold]done[/]        {escape(str(last))}")
    console.print(f"[bold]next[/]        export-tflite --ckpt {escape(str(last))}")


def _calibration_photos(folder: Path, start: Checkpoint, limit: int, progress: Progress, console: Console) -> Photos:
    from mmnet.quantize.calibration import load_calibration
    from mmnet.training.qat.loop import Photos

    task = progress.add_task("reading photos", total=None, note="")
    found = load_calibration(
        folder,
        start.config.size,
        limit=limit,
        progress=lambda done, total: progress.update(task, completed=done, total=total),
    )
    progress.remove_task(task)
    for reason in found.unreadable.values():
        console.print(f"[yellow]skipped[/]     {escape(reason)}")
    return Photos(found.images, {"photos": len(found.images), "sha256": found.fingerprint()})
