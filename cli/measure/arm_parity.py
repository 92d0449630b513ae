"""`mmnet arm-parity`: what a model computes on Arm processors, compared with this machine, without a phone."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from mmnet.cli.console import wide_console
from mmnet.cli.progress import progress_bar
from mmnet.errors import MMNetError
from mmnet.evaluation.arm.errors import ArmError
from mmnet.evaluation.arm.processors import DEFAULT
from mmnet.files import atomic_file, check_writable

if TYPE_CHECKING:
    from mmnet.evaluation.arm.parity import Outcome

STDOUT = Path("-")


def arm_parity(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="A .tflite of ours.", show_default=False)],
    data: Annotated[Path, typer.Option("--data", "-d", metavar="DIR", help="Photos to run it on.", show_default=False)],
    cpu: Annotated[
        str, typer.Option(metavar="NAME,…", help="Processors to emulate, by QEMU's names, with commas between.")
    ] = ",".join(DEFAULT),
    photos: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Take at most N of the photos, the first by name.", show_default="all"),
    ] = None,
    qemu: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A qemu-aarch64, 10 or newer, to use as it is.", show_default="fetched as pinned"
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write everything as JSON; - is stdout.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the JSON file if it exists.")] = False,
) -> None:
    """Compare what this machine computes with what Arm processors compute, byte for byte, without a phone.

    The runtime and LiteRT's own Arm kernels run under emulation (QEMU, on Linux on x86-64). For every photo all that
    the runtime computes is compared, stage by stage: the decoded pixels, a camera's frame, the model's input, its
    alpha, the matte, the person's colours, the composite. An int8 model has to give the same bytes; what is accepted of
    the others' alpha is printed. How long emulation takes says nothing about a phone, and is not told.

    What it needs (about 140 MB) is fetched once, with this system's pip and apt and without root, checked against
    pinned hashes, and kept in $XDG_CACHE_HOME/mmnet/arm.

    \b
    Examples:
      mmnet arm-parity mmnet-1.0-256-int8.tflite --data portraits/test/image --photos 6
      mmnet arm-parity mmnet-1.0-256-int8.tflite -d photos --cpu cortex-a53,cortex-a710
      mmnet arm-parity mine.tflite -d photos --json - | jq .verdict

    Exit codes: 0 the same (or, for floats, within the tolerance), 1 different, 2 could not be compared.
    """
    try:
        verdict = _arm_parity(model, data, cpu, photos, qemu, json_file, force=force)
    except ArmError:
        raise
    except MMNetError as error:  # whatever it is, nothing was compared
        raise ArmError(str(error)) from error
    raise typer.Exit(verdict)


def _arm_parity(
    model: Path, data: Path, cpu: str, limit: int | None, qemu: Path | None, json_file: Path | None, *, force: bool
) -> int:
    # Heavy packages, and what only Unix has, once the command is known to be this one.
    from mmnet.evaluation.arm.report import EXIT_CODES, document, table, tolerance_for
    from mmnet.runtime.imaging.photos import list_photos
    from mmnet.runtime.tflite.inspection import inspect_model

    to_stdout = json_file == STDOUT
    if json_file is not None and not to_stdout:
        check_writable(json_file, force=force)
    photos = list_photos(data)[:limit]
    report = inspect_model(model)
    tolerance = tolerance_for(report.precisions)
    names = [name.strip() for name in cpu.split(",") if name.strip()]

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with progress_bar(console) as progress:
        seen = _compare(model, photos, names, qemu, progress)
    found = document(
        seen.outcomes,
        tolerance,
        model={
            "file": str(model),
            "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
            "precisions": dict(report.precisions),
        },
        data={"folder": str(data), "images": len(photos)},
        here=seen.here,
        emulator=seen.emulator,
        command=shlex.join(["mmnet", *sys.argv[1:]]),
    )
    text = json.dumps(found, indent=1, ensure_ascii=False)
    if json_file is not None and not to_stdout:
        with atomic_file(json_file) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    _complain(console, seen)
    shown = wide_console(stderr=to_stdout)
    shown.print(f"[dim]{len(photos)} images, {', '.join(report.precisions)}, QEMU {seen.emulator}[/]")
    shown.print(table(seen.outcomes, tolerance))
    accepted = f"alpha by at most {tolerance.alpha:g}, nothing else" if tolerance.alpha else "none"
    shown.print(f"[dim]differences accepted: {accepted} ({tolerance.because})[/]")
    if to_stdout:
        typer.echo(text)
    return EXIT_CODES[found["verdict"]]


class _Seen(NamedTuple):
    """What was compared with what: an outcome a processor, what the observer here told, QEMU's version."""

    outcomes: list[Outcome]
    here: Mapping[str, Any]
    emulator: str


def _compare(model: Path, photos: list[Path], names: list[str], qemu: Path | None, progress: Progress) -> _Seen:
    from mmnet.evaluation.arm.environment import arm_python, cache_folder
    from mmnet.evaluation.arm.parity import compare, observer_here, observer_on_arm, runtime_code
    from mmnet.evaluation.arm.processors import choose_processors

    preparing = progress.add_task("", total=None)
    python = arm_python(
        cache_folder(),
        qemu and qemu.absolute(),
        lambda doing, done, total: progress.update(preparing, description=escape(doing), completed=done, total=total),
    )
    progress.remove_task(preparing)
    processors = choose_processors(names, python.emulator)
    comparing = progress.add_task("", total=len(processors) * len(photos))
    outcomes = []
    with runtime_code() as code, observer_here(code, model) as here:
        for number, processor in enumerate(processors, start=1):
            progress.update(comparing, description=processor.name)
            outcomes.append(
                compare(
                    here,
                    partial(observer_on_arm, python, processor, code, model),
                    processor,
                    photos,
                    lambda: progress.advance(comparing),
                )
            )
            progress.update(comparing, completed=number * len(photos))
        return _Seen(outcomes, here.told, python.version)


def _complain(console: Console, seen: _Seen) -> None:
    """A line for what could not be compared, and for what makes a difference hard to read."""
    problems = [outcome.error for outcome in seen.outcomes if outcome.error]
    problems += [image.error for outcome in seen.outcomes for image in outcome.images if image.error]
    for problem in dict.fromkeys(problems):
        console.print(f"[bold red]error:[/] {escape(problem)}")
    told = next((outcome.told for outcome in seen.outcomes if outcome.told), None)
    for tool, here in seen.here["versions"].items():
        if told and told["versions"][tool] != here:
            console.print(
                f"[yellow]note:[/] {tool} is {here} here and {told['versions'][tool]} on Arm; "
                "a difference may be theirs, not the processor's"
            )
