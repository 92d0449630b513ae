"""`mmnet train`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID, TextColumn

from mmnet.arrays import U8Array
from mmnet.cli.options import CheckpointDir
from mmnet.cli.progress import progress_bar
from mmnet.errors import MissingExtraError, OutputExistsError
from mmnet.training.backend import BACKENDS, load_keras

if TYPE_CHECKING:
    from mmnet.network.checkpoint import Checkpoint
    from mmnet.training.data.pipeline import DataSet
    from mmnet.training.recipes import Recipe, Stage

_LOG_EVERY = 20


def train(
    data: Annotated[
        list[str],
        typer.Option(
            metavar="DIR[=WEIGHT]",
            help="Data set: image/ and mask/ of equal stems, RGBA cut-outs, AISegment, or a pack file. Several are "
            "joined; a weight of 2 draws its images twice as often. Look at it first with mmnet data check.",
            show_default=False,
        ),
    ],
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="[b]published[/]: the paper's protocol, from scratch: 304,500 steps of 32 at 256². "
            "[b]incremental[/]: the same, going on from a checkpoint on joined sets. [b]portrait[/]: from scratch on "
            "few images: strong augmentation, 60,000 steps of 64 at 128², then 30,000 of 32 at 256². "
            "[b]fine-tune[/]: going on from a checkpoint with strong augmentation, 20,000 steps of 8 at 256².",
        ),
    ] = "fine-tune",
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="CKPT",
            help="Checkpoint to go on from, named as for export-tflite; its step count and its sampling go on too.",
        ),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            metavar="CKPT",
            help="Distillation: the labels are mixed, half and half, with the alphas of this checkpoint, which "
            "saw more images than there are here.",
        ),
    ] = None,
    run: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the run.", show_default="the recipe's")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="latest",
            help="Go on with the run where its newest checkpoint is, bit for bit (on one device). Give the same "
            "options as at first.",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Steps in all; stages keep their shares, and the learning rate falls over as many.",
            show_default="the recipe's",
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Images a step. The learning rate stays as the recipe has it.",
            show_default="the recipe's",
        ),
    ] = None,
    backgrounds: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Photos without people, to lay behind people: what helps most with places that the data lacks.",
        ),
    ] = None,
    validation: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Part of the images that validates, chosen by name, so that it stays the same when images are "
            "added; [b]best[/] goes by its MAD. 0 for none.",
        ),
    ] = 0.05,
    width: Annotated[
        float, typer.Option(help="Width multiplier of a new network: 1.0 is the paper's, 0.5 a third faster.")
    ] = 1.0,
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    save_every: Annotated[
        int, typer.Option(min=1, help="Steps between checkpoints: what is lost at most when it is killed.")
    ] = 1000,
    keep: Annotated[int, typer.Option(min=1, help="Newest checkpoints to keep, beside the best.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Of initial weights, data order and augmentation.")] = 0,
    backend: Annotated[
        str,
        typer.Option(
            metavar="|".join(BACKENDS),
            help="What Keras computes with. TensorFlow is faster on processors. JAX is for accelerators, and divides "
            "every batch among all that it sees.",
        ),
    ] = "tensorflow",
    mixed_precision: Annotated[
        bool,
        typer.Option(
            "--mixed-precision", help="Compute in bfloat16, keep weights in float32: faster on accelerators only."
        ),
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads that prepare images.", show_default="one a core")
    ] = None,
) -> None:
    """Train MMNet, or go on training it.

    Checkpoints go into CKPT_DIR/RUN/step-…, with everything that going on needs; the newest are kept, and the best by
    validation MAD. TensorBoard reads CKPT_DIR/RUN/events: losses, metrics, learning rate, throughput, sample mattes.

    \b
    Examples:
      mmnet train --data portraits/ --recipe portrait --backgrounds scenes/
      mmnet train --data portraits/ --data wide/=0.5 --from MMNetModel-304500 --recipe incremental --steps 50000
      mmnet train --data portraits/ --data nobody/=0.2 --from MMNetModel-304500 --teacher MMNetModel-887000
      mmnet train --data portraits/ --from checkpoints/mine --steps 2000 --run mine-tuned
      mmnet train --data portraits/ --recipe portrait --backgrounds scenes/ --resume latest
      mmnet train --data portraits/ --recipe portrait --backend jax --mixed-precision --batch 256
      mmnet curves checkpoints/mine-tuned
    """
    if resume not in (None, "latest"):
        raise typer.BadParameter("only latest can be resumed", param_hint="--resume")

    from mmnet.network.resolve import resolve
    from mmnet.training.loop import Job
    from mmnet.training.loop import train as run_training
    from mmnet.training.recipes import find_recipe

    console = Console(soft_wrap=True, highlight=False)
    chosen = replace(find_recipe(recipe).scaled(steps, batch), mixed_precision=mixed_precision)
    folder = ckpt_dir / (run or recipe)
    if resume is None and folder.exists() and any(folder.iterdir()):
        raise OutputExistsError(
            f"{folder}: holds a run already; go on with --resume latest, or name another with --run"
        )
    found = {
        name: resolve(named, ckpt_dir) for name, named in (("from", start), ("teacher", teacher)) if named is not None
    }
    for name, resolved in found.items():
        console.print(f"[bold]{name:<12}[/]{escape(str(resolved.path))} ({escape(resolved.reason)})")

    with progress_bar(console, TextColumn("{task.fields[note]}")) as progress:
        data_sets = DataSets(data, chosen, validation, backgrounds, workers, progress, console)
        job = Job(
            recipe=chosen,
            folder=folder,
            data=data_sets,
            description={"data": [Path(name).name for name in data], "validation": validation},
            seed=seed,
            start=found["from"].load() if "from" in found else None,
            teacher=found["teacher"].load() if "teacher" in found else None,
            width=width,
            save_every=save_every,
            keep=keep,
            workers=workers,
        )
        keras = load_keras(backend, chosen)
        folder.mkdir(parents=True, exist_ok=True)
        with Reporter(folder / "events", progress, console) as reporter:
            last = run_training(job, keras, reporter)
    console.print(f"[bold]done[/]        {escape(str(last))}")
    console.print(f"[bold]next[/]        export-tflite --ckpt {escape(str(last))} --calibration PHOTOS")


class DataSets:
    """The data for a stage's input size, read once a size."""

    def __init__(
        self,
        arguments: list[str],
        recipe: Recipe,
        validation: float,
        backgrounds: Path | None,
        workers: int | None,
        progress: Progress,
        console: Console,
    ) -> None:
        self._arguments, self._recipe, self._validation = arguments, recipe, validation
        self._backgrounds, self._workers = backgrounds, workers
        self._progress, self._console = progress, console

    def __call__(self, size: int) -> DataSet:
        from mmnet.training.data.pipeline import load_data

        task = self._progress.add_task("reading images", total=None, note="")
        data = load_data(
            self._arguments,
            size,
            recipe=self._recipe.augmentation,
            validation=self._validation,
            backgrounds=self._backgrounds,
            workers=self._workers,
            progress=lambda done, total: self._progress.update(task, completed=done, total=total),
        )
        self._progress.remove_task(task)
        count = sum(len(part.indices) for part in data.training)
        held = 0 if data.validation is None else len(data.validation)
        self._console.print(
            f"[bold]data[/]        {count} images to train on, {held} to validate with, "
            f"{len(data.backgrounds)} backgrounds, at {size}×{size}"
        )
        return data


class Reporter:
    """Shows a training on the terminal and writes it for TensorBoard; a `mmnet.training.loop.TrainingListener`."""

    def __init__(self, events: Path, progress: Progress, console: Console) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise MissingExtraError("train", "tensorboardX") from error
        self._writer = SummaryWriter(str(events))
        self._progress, self._console = progress, console
        self._task: TaskID | None = None

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def on_stage(self, stage: Stage, first: int, done: int, total: int) -> None:
        if self._task is None:
            self._task = self._progress.add_task("training", total=total, completed=done, note="")
        self._console.print(
            f"[bold]stage[/]       steps {done} to {first + stage.steps} of {total}: {stage.batch} images at "
            f"{stage.size}×{stage.size}, learning rate {stage.learning_rate:g} to {stage.final_learning_rate:g}"
        )

    def on_step(self, step: int, losses: Mapping[str, float], learning_rate: float, images_per_second: float) -> None:
        assert self._task is not None
        note = f"loss {losses['loss']:.4f}, {images_per_second:.1f} images/s"
        self._progress.update(self._task, advance=1, note=note)
        if step % _LOG_EVERY == 0:
            for name, value in losses.items():
                self._writer.add_scalar(f"loss/{name}", value, step)
            self._writer.add_scalar("learning_rate", learning_rate, step)
            self._writer.add_scalar("images_per_second", images_per_second, step)

    def on_checkpoint(self, checkpoint: Checkpoint, folder: Path, images: U8Array) -> None:
        for name, value in checkpoint.metrics.items():
            self._writer.add_scalar(f"metrics/{name}", value, checkpoint.step)
        self._writer.add_image("photo, matte, alpha", images.transpose(2, 0, 1), checkpoint.step)
        self._writer.flush()
        figures = ", ".join(f"{name} {value:.5f}" for name, value in checkpoint.metrics.items() if name != "mad")
        self._console.print(f"[bold]saved[/]       {escape(str(folder))}: {figures}")
