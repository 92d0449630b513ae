"""`mmnet benchmark plot`: accuracy against latency."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from mmnet.benchmark.document import read_document
from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.figure import draw, join
from mmnet.benchmark.host.stages import STAGES, TOTAL
from mmnet.evaluation.figures import FIGURES
from mmnet.evaluation.report import FORMAT as EVALUATION_FORMAT
from mmnet.files import atomic_file, check_writable

_FIGURES = {figure.name: figure for figure in FIGURES}


def plot(
    evaluation: Annotated[
        Path, typer.Argument(metavar="EVALUATION.json", help="What mmnet evaluate --json wrote.", show_default=False)
    ],
    latency: Annotated[
        list[Path],
        typer.Argument(metavar="LATENCY.json...", help="What mmnet benchmark --json wrote.", show_default=False),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The SVG to write.")] = Path(
        "accuracy-latency.svg"
    ),
    figure: Annotated[str, typer.Option(metavar="NAME", help="Which error.")] = "GAUSS_GRAD_800x600",
    stage: Annotated[str, typer.Option(metavar="|".join((*STAGES, TOTAL)), help="What the latency is of.")] = "invoke",
    threads: Annotated[int, typer.Option(min=1, help="Which number of threads.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the points as JSON on standard output.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the SVG if it exists.")] = False,
) -> None:
    """Draw accuracy against latency of every model that was both evaluated and measured.

    \b
    Examples:
      mmnet benchmark plot figures.json latency.json
      mmnet benchmark plot figures.json latency.json --figure MAD_256x256 --stage total -o mad.svg
      mmnet benchmark plot figures.json host.json phone.json --json
    """
    check_writable(output, force=force)
    if figure not in _FIGURES or _FIGURES[figure].higher_is_better:
        accepted = ", ".join(name for name, entry in _FIGURES.items() if not entry.higher_is_better)
        raise BenchmarkError(f"--figure {figure}: accepted are {accepted}")
    if stage not in (*STAGES, TOTAL):
        raise BenchmarkError(f"--stage {stage}: accepted are {', '.join((*STAGES, TOTAL))}")
    evaluated = _read_evaluation(evaluation)
    measurements = [entry for path in latency for entry in read_document(path)["measurements"]]
    try:
        points, missing = join(evaluated, measurements, figure, stage, threads)
    except (KeyError, TypeError, AttributeError, LookupError) as error:
        raise BenchmarkError(
            f"{evaluation} or {', '.join(map(str, latency))} lacks {error}; write them again with this version"
        ) from error
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    if not points:
        have = ", ".join(model["name"] for model in evaluated["models"])
        raise BenchmarkError(
            f"no model is in both: {evaluation} has {have}; measured on {threads} threads and not evaluated are "
            f"{', '.join(missing) or 'none'}"
        )
    for name in missing:
        console.print(f"[yellow]warning:[/] {escape(name)} was measured, but not evaluated: it is left out")
    with atomic_file(output) as temporary:
        temporary.write_text(
            draw(points, figure.replace("_256x256", " 256×256").replace("_800x600", " 800×600"), stage),
            encoding="utf-8",
        )
    console.print(f"wrote        {escape(str(output))} ({len(points)} models)")
    if as_json:
        typer.echo(json.dumps([asdict(point) for point in points], indent=1, ensure_ascii=False))


def _read_evaluation(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise BenchmarkError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BenchmarkError(f"{path}: is not JSON ({error}); give what `mmnet evaluate --json` wrote") from error
    if not isinstance(found, dict) or found.get("format") != EVALUATION_FORMAT:
        kind = found.get("format") if isinstance(found, dict) else None
        raise BenchmarkError(
            f"{path}: its format is {kind!r}, not {EVALUATION_FORMAT!r}; give what `mmnet evaluate --json` wrote"
        )
    return found
