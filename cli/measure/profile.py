"""`mmnet profile`: the time of every operator of a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmnet.cli.measure.console import STDOUT
from mmnet.cli.process.streams import echo_json
from mmnet.files import check_writable

if TYPE_CHECKING:
    from rich.console import Console

    from mmnet.api.profiling import KernelProfile, ModelProfile, OperatorProfile

ModelArgument = Annotated[
    Path | None, typer.Argument(metavar="MODEL", help="The .tflite to profile.", show_default="the model that ships")
]
ThreadsOption = Annotated[int, typer.Option(metavar="N", min=1, max=64, help="Number of threads.")]
RunsOption = Annotated[int, typer.Option(metavar="N", min=1, help="Runs; the fastest one of every operator counts.")]
TopOption = Annotated[int, typer.Option(metavar="N", min=1, help="Print the N slowest operators.")]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write every operator as JSON; - is stdout.", show_default=False),
]

_FIGURES = ("ms", "of all", "M mult-adds", "KiB moved", "of peak")


def profile_command(
    model: ModelArgument = None,
    threads: ThreadsOption = 1,
    runs: RunsOption = 100,
    top: TopOption = 20,
    json_file: JsonOption = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the file if it exists.")] = False,
) -> None:
    """Measure the time of every operator of a .tflite, and how far each one is from what this machine can do.

    LiteRT's own profiler measures. "of peak" compares an operator with the multiply-adds per second of a 1x1
    convolution with 256 channels, and with the bytes per second of a copy, both measured here; the larger counts.
    Work that fits neither, such as looking up addresses, lowers it.

    \b
    Examples:
      mmnet profile
      mmnet profile mmnet-int8.tflite --threads 2 --top 50
      mmnet profile mmnet-int8.tflite --json profile.json
    """
    from mmnet.api.profiling import profile_model
    from mmnet.cli.console import message_console, wide_console
    from mmnet.cli.progress import progress_bar, stage_bars

    to_stdout = json_file == STDOUT
    if json_file is not None and not to_stdout:
        check_writable(json_file, force=force)
    with progress_bar(message_console()) as bar:
        profile = profile_model(model, threads=threads, runs=runs, progress=stage_bars(bar))
    if json_file is not None and not to_stdout:
        profile.save_json(json_file, force=force)
    show_profile(wide_console(stderr=to_stdout), profile, top)
    if to_stdout:
        echo_json(profile.to_json())


def show_profile(console: Console, profile: ModelProfile, top: int) -> None:
    """Print the kernels, the slowest operators, and what they are compared with."""
    from rich.markup import escape

    from mmnet.cli.tables import rows_table

    total = max(profile.microseconds, 1)
    rows = [[one.kernel, str(one.operators), *_figures(one, total)] for one in profile.kernels]
    console.print(rows_table(["kernel", "operators", *_FIGURES], rows, console.width))
    slowest = sorted(profile.operators, key=lambda operator: -operator.microseconds)
    rows = [[one.layer or one.kernel, one.operator, *_figures(one, total)] for one in slowest[:top]]
    console.print()
    console.print(rows_table(["layer", "operator", *_FIGURES], rows, console.width, left=2))
    if len(slowest) > top:
        console.print(f"[dim]and {len(slowest) - top} more: --top, --json[/]")
    console.print()
    peak = profile.peak
    console.print(
        f"{escape(profile.name)}: {profile.microseconds / 1e3:.3f} ms in {len(profile.operators)} operators, each in "
        f"its fastest of {profile.runs} runs; {profile.invoke_microseconds / 1e3:.3f} ms for the whole inference",
        soft_wrap=True,
    )
    console.print(
        f"[dim]what this machine can do, {peak.dtype}, {peak.threads} thread{'s' * (peak.threads > 1)}: "
        f"{peak.multiply_adds / 1e9:.0f} G multiply-adds/s, {peak.bytes_moved / 1e9:.0f} GB/s[/]",
        soft_wrap=True,
    )


def _figures(profiled: OperatorProfile | KernelProfile, total: int) -> list[str]:
    reached = profiled.utilisation
    return [
        f"{profiled.microseconds / 1e3:.3f}",
        f"{profiled.microseconds / total:.1%}",
        f"{profiled.multiply_adds / 1e6:.2f}" if profiled.multiply_adds else "–",
        f"{profiled.bytes_moved / 1024:.0f}" if profiled.bytes_moved else "–",
        "–" if reached is None else f"{reached:.0%}",
    ]
