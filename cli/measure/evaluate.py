"""`mmnet evaluate`: the accuracy of models on photos, or on frame sequences, with known mattes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmnet.cli.measure.console import STDOUT, command_line, print_problems
from mmnet.cli.measure.options import FitOption, JsonOption, ResizeOption, SplitOption, ThreadsOption
from mmnet.cli.measure.release import (
    AgainstOption,
    MarkdownOption,
    SetsOption,
    SuiteOption,
    SuiteOptions,
    evaluate_suite,
)
from mmnet.cli.options import CheckpointDir
from mmnet.cli.process.streams import echo_json
from mmnet.files import check_writable

if TYPE_CHECKING:
    from rich.console import Console

    from mmnet.api.evaluating import Evaluation, VideoEvaluation
    from mmnet.api.models import ModelSource

DataOption = Annotated[
    Path,
    typer.Option("--data", "-d", metavar="DIR", help="Holds image/ and mask/, paired by stem.", show_default=False),
]
CheckpointsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WHICH",
        help="[b]latest[/], [b]best[/], a checkpoint folder, a run, or a TF-Slim prefix or folder; measured as the "
        "float .tflite that export makes of it. Repeatable.",
        show_default=False,
    ),
]
ModelsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--model",
        "-m",
        metavar="FILE",
        help="A .tflite of ours, the name of one that ships, or MediaPipe's selfie_segmentation.tflite. Repeatable.",
        show_default=False,
    ),
]
VideoOption = Annotated[
    bool,
    typer.Option(
        "--video",
        help="Measure on frame sequences, frame by frame and smoothed: DIR holds NAME/image and NAME/mask, or "
        "NAME/com and NAME/pha, or such folders with videos in them.",
    ),
]
WorstOption = Annotated[
    int, typer.Option(metavar="N", min=0, help="Name the N images with the highest MAD of each model.")
]
ImagesOption = Annotated[
    bool, typer.Option("--images/--no-images", help="Whether the JSON has the figures of every image.")
]
RayOption = Annotated[
    bool, typer.Option("--ray", help="Measure on the workers of mmnet batch, which may be on many machines.")
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Workers, one core each; implies --ray.", show_default="one per core")
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        envvar="RAY_ADDRESS",
        metavar="HOST:PORT",
        help="With --ray: a cluster whose machines see the images under the same path.",
        show_default="this machine alone",
    ),
]


def evaluate_command(
    data: DataOption,
    ckpt: CheckpointsOption = None,
    model: ModelsOption = None,
    video: VideoOption = False,
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    split: SplitOption = None,
    resize: ResizeOption = "runtime",
    fit: FitOption = None,
    worst: WorstOption = 5,
    json_file: JsonOption = None,
    images: ImagesOption = True,
    threads: ThreadsOption = None,
    ray: RayOption = False,
    workers: WorkersOption = None,
    address: AddressOption = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the JSON file if it exists.")] = False,
    suite: SuiteOption = None,
    sets: SetsOption = None,
    against: AgainstOption = None,
    markdown: MarkdownOption = False,
) -> None:
    """Measure models on photos whose alpha mattes are known: mean ± standard deviation and 95 % interval.

    Checkpoints come first in the table, then the files, in the order given. If any image cannot be used, it is named
    and nothing is measured: every figure is over the whole set.

    With [b]--suite release[/], models are measured on several sets and judged by limits. The exit code is 1 if one of
    them fails or a set lacks images; MediaPipe's model and that of [b]--against[/] are only measured.

    \b
    Examples:
      mmnet evaluate --ckpt latest --data portraits --split test
      mmnet evaluate --ckpt runs/a --ckpt runs/b -m mmnet-int8.tflite -d portraits/test --json figures.json
      mmnet evaluate -m mine.tflite -m selfie_segmentation.tflite -d portraits/test --worst 10
      mmnet evaluate --ckpt MMNetModel-887000 -d portraits/test --resize original
      mmnet evaluate -m mine.tflite -d scenes/ --fit stretch
      mmnet evaluate -m mine.tflite -d portraits/test --json - --no-images | jq .models[0].statistics.MAD
      mmnet evaluate --video -m mine.tflite -d sequences/ --json video.json
      mmnet evaluate -m mine.tflite -d /shared/portraits --ray --address auto --json figures.json
      mmnet evaluate --suite release -m mine.tflite -d mix/ --against mmnet-1.0-256-int8.tflite --markdown
    """
    from mmnet.api.evaluating import evaluate, evaluate_videos
    from mmnet.api.models import NamedCheckpoint
    from mmnet.cli.console import message_console
    from mmnet.cli.progress import progress_bar, stage_bars
    from mmnet.evaluation.evaluate import EvaluationError
    from mmnet.evaluation.framing import fit_for
    from mmnet.evaluation.models import open_file
    from mmnet.evaluation.resize import choose_resize

    ray = ray or workers is not None
    if ray and video:
        raise typer.BadParameter("sequences are measured on this machine alone: leave out --ray or --video")
    judged = None if suite is None else SuiteOptions(suite, sets, against, markdown, fit, threads, json_file, force)
    if judged is None and (sets is not None or against is not None or markdown):
        raise typer.BadParameter("--sets, --against and --markdown go with --suite")
    if judged is not None and (ray or video or split is not None or resize != "runtime"):
        raise typer.BadParameter("a suite is measured as it is: leave out --ray, --video, --split and --resize")
    fit_for(fit, choose_resize(resize))
    if not ckpt and not model:
        raise EvaluationError("nothing to evaluate; name a checkpoint (--ckpt WHICH) or a .tflite (--model FILE)")
    if json_file is not None and json_file != STDOUT:
        check_writable(json_file, force=force)

    console, command = message_console(stream=sys.stderr), command_line()
    with _listed_problems(console):
        files = [open_file(path) for path in model or ()]
        models: list[ModelSource] = [*(NamedCheckpoint(which, ckpt_dir) for which in ckpt or ()), *files]
        if judged is not None:
            raise typer.Exit(0 if evaluate_suite(models, data, judged, console, command).passed else 1)
        evaluation: Evaluation | VideoEvaluation
        with progress_bar(console) as progress:
            common: dict[str, Any] = {"split": split, "resize": resize, "fit": fit, "threads": threads}
            common |= {"progress": stage_bars(progress), "command": command}
            if video:
                evaluation = evaluate_videos(models, data, **common)
            else:
                evaluation = evaluate(models, data, ray=ray, address=address, workers=workers, **common)
    _show(evaluation, worst, json_file, images, force=force)


@contextmanager
def _listed_problems(console: Console) -> Iterator[None]:
    """Print every problem of images that cannot be used, one line each, and end the command."""
    from mmnet.evaluation.datasets.pairs import DatasetError

    try:
        yield
    except DatasetError as error:
        print_problems(console, error)
        raise typer.Exit(error.exit_code) from error


def _show(
    evaluation: Evaluation | VideoEvaluation, worst: int, json_file: Path | None, with_images: bool, *, force: bool
) -> None:
    from mmnet.api.documents import json_text, save_text
    from mmnet.api.evaluating import Evaluation
    from mmnet.cli.console import wide_console

    if isinstance(evaluation, Evaluation):
        written = json_text(evaluation.document(worst=worst, with_images=with_images))
    else:
        written = json_text(evaluation.document(worst=worst, with_sequences=with_images))
    if json_file is not None and json_file != STDOUT:
        save_text(json_file, written + "\n", force=force)
    console = wide_console(stderr=json_file == STDOUT)
    if isinstance(evaluation, Evaluation):
        _show_photos(console, evaluation, worst)
    else:
        _show_sequences(console, evaluation, worst)
    if json_file == STDOUT:
        echo_json(written)


def _show_photos(console: Console, evaluation: Evaluation, worst: int) -> None:
    from mmnet.cli.measure.tables import figure_tables, show_worst

    for table in figure_tables(evaluation.results, console.width):
        console.print(table)
        console.print()
    counts = f"{evaluation.data['images']} images, fit {evaluation.fit}"
    console.print(f"[dim]{counts}, resized {evaluation.resize.what}[/]", soft_wrap=True)
    show_worst(console, evaluation.results, worst)


def _show_sequences(console: Console, evaluation: VideoEvaluation, worst: int) -> None:
    from mmnet.cli.measure.tables import figure_tables, show_worst, smoothing_tables
    from mmnet.evaluation.video.evaluate import VIDEO_FIGURES

    for table in figure_tables(evaluation.columns, console.width, VIDEO_FIGURES):
        console.print(table)
        console.print()
    console.print("[dim]smoothed − frame by frame, mean over the sequences[/]")
    for table in smoothing_tables(evaluation.results, console.width):
        console.print(table)
        console.print()
    counts = f"{evaluation.data['sequences']} sequences, {evaluation.data['frames']} frames, fit {evaluation.fit}"
    console.print(f"[dim]{counts}, resized {evaluation.resize.what}[/]", soft_wrap=True)
    show_worst(console, evaluation.columns, worst)
