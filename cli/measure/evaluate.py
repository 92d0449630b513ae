"""`mmnet evaluate`: models measured on photos with known mattes."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from mmnet.cli.console import wide_console
from mmnet.cli.measure.console import show_worst, task_bar
from mmnet.cli.options import CheckpointDir
from mmnet.cli.progress import progress_bar
from mmnet.evaluation.datasets.pairs import DatasetError, Pair, check_pairs, load_pairs
from mmnet.evaluation.evaluate import EvaluationError, Result, evaluate
from mmnet.evaluation.figures import WORST_BY
from mmnet.evaluation.models import Candidate, with_unique_names, open_file
from mmnet.evaluation.report import document, tables
from mmnet.evaluation.resize import RESIZES, Resize, choose_resize
from mmnet.evaluation.video.report import Sequences
from mmnet.files import atomic_file, check_writable

STDOUT = Path("-")


def evaluate_command(
    data: Annotated[
        Path,
        typer.Option("--data", "-d", metavar="DIR", help="Holds image/ and mask/, paired by stem.", show_default=False),
    ],
    ckpt: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHICH",
            help="[b]latest[/], [b]best[/], a checkpoint folder, a run, or a TF-Slim prefix or folder; measured as the "
            "float .tflite that export makes of it. Repeatable.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="FILE",
            help="A .tflite of ours, or MediaPipe's selfie_segmentation.tflite. Repeatable.",
            show_default=False,
        ),
    ] = None,
    video: Annotated[
        bool,
        typer.Option(
            "--video",
            help="Measure on sequences of frames, frame by frame and smoothed: DIR holds NAME/image and NAME/mask, or "
            "NAME/com and NAME/pha, or such folders with videos in them.",
        ),
    ] = False,
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="Take DIR/NAME/image and DIR/NAME/mask.", show_default=False)
    ] = None,
    resize: Annotated[
        str,
        typer.Option(
            metavar="|".join(RESIZES),
            help="How photo and mask come to the model's square: as the runtime does it, or as the original training "
            "code did, to compare with its figures.",
        ),
    ] = "runtime",
    worst: Annotated[
        int, typer.Option(metavar="N", min=0, help=f"Name the N images of the highest {WORST_BY}, a model each.")
    ] = 5,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write everything as JSON; - is stdout.", show_default=False),
    ] = None,
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="Whether the JSON has every image's figures.")
    ] = True,
    threads: Annotated[int | None, typer.Option(min=1, help="Images at a time.", show_default="one a core")] = None,
    ray: Annotated[
        bool, typer.Option("--ray", help="Measure on the actors of mmnet batch, which may be on many machines.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Actors, a core each; so with --ray.", show_default="one a core")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            envvar="RAY_ADDRESS",
            metavar="HOST:PORT",
            help="With --ray: of a cluster whose machines see the images under the same path.",
            show_default="this machine alone",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the JSON file if it exists.")] = False,
) -> None:
    """Measure models on photos whose alpha mattes are known: mean ± standard deviation and 95 % interval.

    Checkpoints come first in the table, then the files, in the order given. Any image that cannot be used is named,
    and nothing is measured: a figure is of the whole set or of none.

    \b
    Examples:
      mmnet evaluate --ckpt latest --data portraits --split test
      mmnet evaluate --ckpt runs/a --ckpt runs/b -m mmnet-int8.tflite -d portraits/test --json figures.json
      mmnet evaluate -m mine.tflite -m selfie_segmentation.tflite -d portraits/test --worst 10
      mmnet evaluate --ckpt MMNetModel-887000 -d portraits/test --resize original
      mmnet evaluate -m mine.tflite -d portraits/test --json - --no-images | jq .models[0].statistics.MAD
      mmnet evaluate --video -m mine.tflite -d sequences/ --json video.json
      mmnet evaluate -m mine.tflite -d /shared/portraits --ray --address auto --json figures.json
    """
    to_stdout = json_file == STDOUT
    ray = ray or workers is not None
    if ray and video:
        raise typer.BadParameter("sequences are measured on this machine alone: leave out --ray or --video")
    chosen = choose_resize(resize)
    if not ckpt and not model:
        raise EvaluationError("nothing to evaluate; name a checkpoint (--ckpt WHICH) or a .tflite (--model FILE)")
    if json_file is not None and not to_stdout:
        check_writable(json_file, force=force)
    command = shlex.join(["mmnet", *sys.argv[1:]])

    console = Console(file=sys.stderr, soft_wrap=True, highlight=False)
    progress = progress_bar(console)
    with progress:
        candidates = [open_file(path) for path in model or ()]
        try:
            if video:
                material: Sequences | Photos | PhotosOnRay = Sequences.read(data, split, progress)
            elif ray:
                material = PhotosOnRay(data, split, load_pairs(data, split), address, workers)
            else:
                material = Photos.read(data, split, progress)
            converting = task_bar(progress, "converting")
            checkpoints = []
            for done, which in enumerate(ckpt or (), start=1):
                checkpoints.append(from_checkpoint(which, ckpt_dir))
                converting(done, len(ckpt or ()))
            candidates = with_unique_names([*checkpoints, *candidates])
            report = material.measure(candidates, chosen, threads, task_bar(progress, "measuring"))
        except DatasetError as error:
            for problem in error.problems:
                console.print(f"[bold red]error:[/] {escape(problem)}")
            raise typer.Exit(error.exit_code) from error

    found = json.dumps(report.document(command, worst, images), indent=1, ensure_ascii=False)
    if json_file is not None and not to_stdout:
        with atomic_file(json_file) as temporary:
            temporary.write_text(found + "\n", encoding="utf-8")
    report.show(wide_console(stderr=to_stdout), worst)
    if to_stdout:
        typer.echo(found)


@dataclass(frozen=True)
class Photos:
    """Photos with their mattes, read once and found good; `sha256` tells them from others."""

    folder: Path
    split: str | None
    pairs: list[Pair]
    sha256: str

    @classmethod
    def read(cls, folder: Path, split: str | None, progress: Progress) -> Self:
        """Find and check them. Raises as `load_pairs` and `check_pairs`."""
        pairs = load_pairs(folder, split)
        return cls(folder, split, pairs, check_pairs(pairs, task_bar(progress, "reading images")))

    def measure(
        self, candidates: Sequence[Candidate], resize: Resize, threads: int | None, update: Callable[[int, int], None]
    ) -> PhotosReport:
        """Measure the models on them. Raises as `evaluate`."""
        return PhotosReport(self, resize, evaluate(candidates, self.pairs, resize, threads=threads, progress=update))


@dataclass(frozen=True)
class PhotosOnRay:
    """Photos with their mattes that the actors of `mmnet batch` read, check and measure in one pass."""

    folder: Path
    split: str | None
    pairs: list[Pair]
    address: str | None
    workers: int | None

    def measure(
        self, candidates: Sequence[Candidate], resize: Resize, threads: int | None, update: Callable[[int, int], None]
    ) -> PhotosReport:
        """Measure the models on them, one thread an actor. Raises as `evaluate_on_ray`."""
        from mmnet.batch.evaluation import evaluate_on_ray

        results, sha256 = evaluate_on_ray(candidates, self.pairs, resize, self.address, self.workers, update)
        return PhotosReport(Photos(self.folder, self.split, self.pairs, sha256), resize, results)


@dataclass(frozen=True)
class PhotosReport:
    """What was measured on photos."""

    photos: Photos
    resize: Resize
    results: list[Result]

    def document(self, command: str, worst: int, with_images: bool) -> dict[str, Any]:
        """As JSON; see `mmnet.evaluation.report.document`."""
        photos = self.photos
        described = {
            "folder": str(photos.folder),
            "split": photos.split,
            "images": len(photos.pairs),
            "sha256": photos.sha256,
        }
        return document(self.results, self.resize, described, command, worst=worst, with_images=with_images)

    def show(self, console: Console, worst: int) -> None:
        """As tables for people."""
        for table in tables(self.results, console.width):
            console.print(table)
            console.print()
        console.print(f"[dim]{len(self.photos.pairs)} images, resized {self.resize.what}[/]", soft_wrap=True)
        show_worst(console, self.results, worst)


def from_checkpoint(which: str, ckpt_dir: Path) -> Candidate:
    """A checkpoint as the float .tflite that export makes of it.

    Args:
        which, ckpt_dir: see `mmnet.network.resolve.resolve`.

    Raises:
        MMNetError: no such checkpoint, or one that cannot be used.
    """
    # Heavy packages only once the arguments are known to be good.
    from mmnet.export.convert import float_tflite
    from mmnet.network.resolve import resolve

    found = resolve(which, ckpt_dir)
    checkpoint = found.load()
    model = float_tflite(checkpoint)
    recipe = {
        "checkpoint": {"name": found.path.name, "sha256": checkpoint.fingerprint(), "step": checkpoint.step},
        "model": checkpoint.config.to_json(),
        "precision": "float32",
    }
    return Candidate(found.path.name, "checkpoint", which, checkpoint.config.size, model, recipe)
