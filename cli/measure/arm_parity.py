"""`mmnet arm-parity`: what a model computes on Arm processors, compared with this machine, without a phone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmnet.cli.measure.console import STDOUT, command_line
from mmnet.cli.measure.options import JsonOption
from mmnet.cli.options import FitOption
from mmnet.cli.process.streams import echo_json
from mmnet.errors import MMNetError
from mmnet.evaluation.arm.errors import ArmError
from mmnet.evaluation.arm.processors import DEFAULT
from mmnet.files import check_writable
from mmnet.runtime.imaging.fit import DEFAULT_FIT

if TYPE_CHECKING:
    from rich.console import Console

    from mmnet.api.comparing import ArmComparison

ModelArgument = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A .tflite of ours, or the name of one that ships.", show_default=False)
]
DataOption = Annotated[
    Path, typer.Option("--data", "-d", metavar="DIR", help="Photos to run it on.", show_default=False)
]
CpuOption = Annotated[
    str, typer.Option(metavar="NAME,…", help="Processors to emulate, by QEMU's names, with commas between.")
]
PhotosOption = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Take at most N of the photos, the first by name.", show_default="all"),
]
QemuOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A qemu-aarch64 to use, version 10 or newer.", show_default="fetched as pinned"),
]

_DEFAULT_CPUS = ",".join(DEFAULT)


def arm_parity(
    model: ModelArgument,
    data: DataOption,
    cpu: CpuOption = _DEFAULT_CPUS,
    photos: PhotosOption = None,
    fit: FitOption = DEFAULT_FIT,
    qemu: QemuOption = None,
    json_file: JsonOption = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the JSON file if it exists.")] = False,
) -> None:
    """Compare what this machine computes with what Arm processors compute, byte for byte, without a phone.

    The runtime and LiteRT's own Arm kernels run under emulation (QEMU, on Linux on x86-64). For every photo, every
    stage of the runtime is compared: the decoded pixels, a camera frame, the model's input, its alpha, the crops
    around the people with their inputs and alphas, the matte, the foreground, the composite. An int8 model has to give
    the same bytes; for other models, the accepted difference of the alpha is printed. Emulation takes longer than a
    phone, so that no time is reported.

    The Arm packages (about 140 MB) are fetched once, with this system's pip and apt and without root, checked against
    pinned hashes, and kept in $XDG_CACHE_HOME/mmnet/arm.

    \b
    Examples:
      mmnet arm-parity mmnet-1.0-256-int8.tflite --data portraits/test/image --photos 6
      mmnet arm-parity mmnet-1.0-256-int8.tflite -d photos --cpu cortex-a53,cortex-a710
      mmnet arm-parity mine.tflite -d photos --fit stretch
      mmnet arm-parity mine.tflite -d photos --json - | jq .verdict

    Exit codes: 0 identical or, for floats, within the tolerance; 1 different; 2 could not be compared.
    """
    from mmnet.api.comparing import compare_on_arm
    from mmnet.cli.console import message_console
    from mmnet.cli.progress import progress_bar, stage_bars

    console = message_console()
    try:
        if json_file is not None and json_file != STDOUT:
            check_writable(json_file, force=force)
        with progress_bar(console) as progress:
            comparison = compare_on_arm(
                model,
                data,
                processors=[name.strip() for name in cpu.split(",") if name.strip()],
                limit=photos,
                fit=fit,
                emulator=qemu,
                progress=stage_bars(progress),
                command=command_line(),
            )
        if json_file is not None and json_file != STDOUT:
            comparison.save_json(json_file, force=force)
    except ArmError:
        raise
    except MMNetError as error:  # exit code 2, like every comparison that could not be made
        raise ArmError(str(error)) from error
    _print_problems(console, comparison)
    _show(comparison, to_stdout=json_file == STDOUT)
    raise typer.Exit(comparison.exit_code)


def _show(comparison: ArmComparison, *, to_stdout: bool) -> None:
    # The report module needs `fcntl`, which exists only on Unix.
    from mmnet.cli.console import wide_console
    from mmnet.cli.measure.arm_table import arm_tables

    tolerance = comparison.tolerance
    console = wide_console(stderr=to_stdout)
    precisions = ", ".join(comparison.model["precisions"])
    console.print(
        f"[dim]{comparison.data['images']} images, {precisions}, QEMU {comparison.emulator}[/]", soft_wrap=True
    )
    for table in arm_tables(comparison.outcomes, tolerance, console.width):
        console.print(table)
    accepted = f"alpha by at most {tolerance.alpha:g}, nothing else" if tolerance.alpha else "none"
    console.print(f"[dim]differences accepted: {accepted} ({tolerance.because})[/]")
    if to_stdout:
        echo_json(comparison.to_json())


def _print_problems(console: Console, comparison: ArmComparison) -> None:
    """Print what could not be compared, and versions that differ between the two sides."""
    from rich.markup import escape

    problems = [outcome.error for outcome in comparison.outcomes if outcome.error]
    problems += [image.error for outcome in comparison.outcomes for image in outcome.images if image.error]
    for problem in dict.fromkeys(problems):
        console.print(f"[bold red]error:[/] {escape(problem)}")
    arm = next((outcome.described for outcome in comparison.outcomes if outcome.described), None)
    for tool, here in comparison.here["versions"].items():
        if arm and arm["versions"][tool] != here:
            console.print(
                f"[yellow]note:[/] {tool} is {here} on this machine and {arm['versions'][tool]} on Arm; "
                "a difference may come from the version, not from the processor"
            )
