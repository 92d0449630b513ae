"""`mmnet benchmark plot`: accuracy against latency."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from mmnet.cli.process.streams import echo_json
from mmnet.files import check_writable
from mmnet.text import json_text


def plot(
    evaluation: Annotated[
        Path,
        typer.Argument(metavar="EVALUATION.json", help="Written by mmnet evaluate --json.", show_default=False),
    ],
    latency: Annotated[
        list[Path],
        typer.Argument(metavar="LATENCY.json", help="Written by mmnet benchmark --json.", show_default=False),
    ],
    panels: Annotated[
        list[Path] | None,
        typer.Option(
            "--panel",
            metavar="EVALUATION.json",
            help="Another evaluation of the models, on other images; it gets a panel below. Repeatable.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The SVG to write.")] = Path(
        "accuracy-latency.svg"
    ),
    figure: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="The error on the vertical axis: a figure of mmnet evaluate of which less is better."
        ),
    ] = "GAUSS_GRAD_800x600",
    stage: Annotated[
        str, typer.Option(metavar="preprocess|invoke|postprocess|total", help="Stage on the horizontal axis.")
    ] = "invoke",
    threads: Annotated[int, typer.Option(min=1, help="The number of threads.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the points as JSON on standard output.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the SVG if it exists.")] = False,
) -> None:
    """Draw accuracy against latency of every model that was both evaluated and measured.

    A dashed line joins the models of the front: no other beats them in both error and latency.

    \b
    Examples:
      mmnet benchmark plot figures.json latency.json
      mmnet benchmark plot figures.json latency.json --figure MAD_256x256 --stage total -o mad.svg
      mmnet benchmark plot figures.json host.json phone.json --json
      mmnet benchmark plot portraits.json latency.json --panel cutouts.json
    """
    from rich.markup import escape

    from mmnet.api.benchmarking import plot_latency
    from mmnet.cli.console import message_console

    check_writable(output, force=force)
    drawn = plot_latency([evaluation, *(panels or [])], latency, figure=figure, stage=stage, threads=threads)
    console = message_console()
    for name in drawn.missing:
        console.print(f"[yellow]warning:[/] {escape(name)} was measured, but not evaluated: it is left out")
    drawn.save(output, force=force)
    console.print(f"wrote        {escape(str(output))} ({len({point.label for point in drawn.points})} models)")
    for data, best in groupby(drawn.front, key=lambda point: point.data):
        console.print(f"front        {escape(data)}: {escape(', '.join(point.label for point in best))}")
    if as_json:
        echo_json(json_text([asdict(point) for point in drawn.points]))
