"""`mmnet parity`: a gate between two models, and the report that says why it is open or shut."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from mmnet.cli.console import wide_console
from mmnet.cli.measure.console import task_bar
from mmnet.cli.measure.evaluate import STDOUT, from_checkpoint
from mmnet.cli.options import CheckpointDir
from mmnet.cli.progress import progress_bar
from mmnet.errors import MMNetError
from mmnet.evaluation.datasets.pairs import DatasetError, Pair, Photo, check_pairs, load_images
from mmnet.evaluation.models import Candidate, with_unique_names, open_file
from mmnet.evaluation.parity.compare import NotComparedError, Parity, compare, judge
from mmnet.evaluation.parity.layers import LayerError, LayersError, layer_errors
from mmnet.evaluation.parity.page import html
from mmnet.evaluation.parity.report import Report, document, lines, typed
from mmnet.evaluation.parity.tolerances import DEFAULTS, FALLBACK, LIMITS, tolerances
from mmnet.evaluation.resize import RESIZES, choose_resize
from mmnet.files import atomic_file, check_writable
from mmnet.runtime import to_model_input

_LAYER_IMAGES = 8
_MODEL = "A .tflite, or a checkpoint as export-tflite takes it, which is measured as its float .tflite."


def _shown(name: str) -> str:
    return "; ".join(f"{precision} {values[name]:g}" for precision, values in DEFAULTS.items())


def parity_command(
    reference: Annotated[str, typer.Argument(metavar="FLOAT", help=f"The reference. {_MODEL}", show_default=False)],
    other: Annotated[
        str, typer.Argument(metavar="QUANTIZED", help=f"What was made of it. {_MODEL}", show_default=False)
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            "-d",
            metavar="DIR",
            help="Holds image/ and mask/, paired by stem; or photos alone, on which only the two can be compared.",
            show_default=False,
        ),
    ],
    max_mad: Annotated[
        float | None,
        typer.Option(min=0, metavar="X", help="Largest mean |Δα|, 0-1.", show_default=_shown("max_mad")),
    ] = None,
    max_image_mad: Annotated[
        float | None,
        typer.Option(min=0, metavar="X", help="The same of the worst image.", show_default=_shown("max_image_mad")),
    ] = None,
    max_mad_increase: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Largest increase of MAD at 256×256 as a share of FLOAT's, 0.01 = 1 %. Needs mattes.",
            show_default=_shown("max_mad_increase"),
        ),
    ] = None,
    max_gauss_grad_increase: Annotated[
        float | None,
        typer.Option(
            metavar="X", help="The same of GAUSS_GRAD at 256×256.", show_default=_shown("max_gauss_grad_increase")
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Judge the far end of each 95 % interval, not the figure itself.")
    ] = False,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="Take DIR/NAME/image and DIR/NAME/mask.", show_default=False)
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Take at most N images, spread over the folder.", show_default="all"),
    ] = None,
    report_file: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write an HTML page: one file, with images.", show_default=False),
    ] = None,
    photos: Annotated[
        bool, typer.Option("--photos/--no-photos", help="Whether the report shows the worst and the median images.")
    ] = True,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write everything as JSON; - is stdout.", show_default=False),
    ] = None,
    resize: Annotated[
        str, typer.Option(metavar="|".join(RESIZES), help="How photo and mask come to the models' square.")
    ] = "runtime",
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    threads: Annotated[int | None, typer.Option(min=1, help="Images at a time.", show_default="one a core")] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the files if they exist.")] = False,
) -> None:
    """Compare a quantized model with its float one on the same images, and say whether it is close enough.

    Exit code 0: within tolerance. 1: beyond. 2: the two could not be compared. The tolerances depend on QUANTIZED's
    precision (another than those named: int8's). Figures are differences on one and the same image, each with a
    95 % bootstrap interval.

    \b
    Examples:
      mmnet parity latest mmnet-int8.tflite --data portraits --split test --report parity.html
      mmnet parity float.tflite int8.tflite -d photos/ --max-mad 0.002
      mmnet parity MMNetModel-887000 int8.tflite -d portraits/test --max-gauss-grad-increase 0.005 --strict
      mmnet parity old.tflite new.tflite -d portraits/test --json - | jq .verdict
    """
    given = {
        "max_mad": max_mad,
        "max_image_mad": max_image_mad,
        "max_mad_increase": max_mad_increase,
        "max_gauss_grad_increase": max_gauss_grad_increase,
    }
    to_stdout = json_file == STDOUT
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        chosen = choose_resize(resize)
        for path in (report_file, None if to_stdout else json_file):
            if path is not None:
                check_writable(path, force=force)
        progress = progress_bar(console)
        with progress:
            images = _spread(load_images(data, split), limit)
            _check_mattes(images, given, data)
            fingerprint = check_pairs(images, task_bar(progress, "reading images"))
            first, second = with_unique_names([_open(which, ckpt_dir, progress) for which in (reference, other)])
            bar = task_bar(progress, "comparing")
            found = compare(first, second, images, chosen, threads=threads, progress=bar)
            accepted = tolerances(str(found.other.recipe.get("precision", FALLBACK)), given)
            wanted = report_file is not None or json_file is not None
            layers = _layers(found, images, progress) if wanted else ""
            described = {"folder": str(data), "split": split, "images": len(images), "sha256": fingerprint}
            report = Report(
                found,
                judge(found, accepted, strict=strict),
                strict,
                described,
                typed(sys.argv[1:]),
                chosen,
                layers,
                min(len(images), _LAYER_IMAGES),
            )
            written = json.dumps(document(report), indent=1, ensure_ascii=False)
            if report_file is not None:
                whole = html(report, images, with_photos=photos)
                with atomic_file(report_file) as temporary:
                    temporary.write_text(whole, encoding="utf-8")
            if json_file is not None and not to_stdout:
                with atomic_file(json_file) as temporary:
                    temporary.write_text(written + "\n", encoding="utf-8")
    except DatasetError as error:
        for problem in error.problems:
            console.print(f"[bold red]error:[/] {escape(problem)}")
        raise typer.Exit(NotComparedError.exit_code) from error
    except MMNetError as error:
        raise NotComparedError(str(error)) from error
    shown = wide_console(stderr=to_stdout)
    for part in lines(report):
        shown.print(part, soft_wrap=True)
    if report_file is not None:
        shown.print(f"[bold]wrote[/] {escape(str(report_file))}", soft_wrap=True)
    if to_stdout:
        typer.echo(written)
    raise typer.Exit(0 if report.passed else 1)


def _open(which: str, ckpt_dir: Path, progress: Progress) -> Candidate:
    if which.endswith(".tflite") or Path(which).is_file():
        return open_file(Path(which))
    converting = task_bar(progress, "converting")
    candidate = from_checkpoint(which, ckpt_dir)
    converting(1, 1)
    return candidate


def _spread(images: list[Pair] | list[Photo], limit: int | None) -> list[Pair] | list[Photo]:
    if limit is None or len(images) <= limit:
        return images
    # The comprehension keeps the kind of the images, which the type checker cannot see.
    return [images[index * len(images) // limit] for index in range(limit)]  # type: ignore[return-value]


def _check_mattes(images: list[Pair] | list[Photo], given: dict[str, float | None], data: Path) -> None:
    if isinstance(images[0], Pair):
        return
    for asked in LIMITS:
        if asked.needs_mattes and given[asked.name] is not None:
            raise NotComparedError(
                f"{data}: has photos but no mattes, which {asked.option} needs; give a folder with image/ and mask/"
            )


def _layers(found: Parity, images: list[Pair] | list[Photo], progress: Progress) -> list[LayerError] | str:
    if found.reference.size != found.other.size:
        return "The two models differ in size, and so do their layers."
    shown = _spread(images, _LAYER_IMAGES)
    done = task_bar(progress, "comparing layers")
    squares = [to_model_input(image.read()[0], found.reference.size) for image in shown]
    try:
        return layer_errors(found.reference.content, found.other.content, squares)
    except LayersError as error:
        return f"{str(error)[:1].upper()}{str(error)[1:]}."
    finally:
        done(1, 1)
