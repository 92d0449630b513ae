"""`mmnet benchmark`: latency and memory on this host or on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from mmnet.benchmark.document import host_result, measurement, read_document, to_json, write_document
from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.host import Plan, measure
from mmnet.benchmark.machine import complaints, describe_host
from mmnet.benchmark.stages import HOST_DELEGATES
from mmnet.benchmark.tables import render
from mmnet.evaluation.models import Candidate, named_apart, open_file
from mmnet.files import check_writable
from mmnet.progress import progress_bar

STDOUT = Path("-")
_MAX_THREADS, _MAX_FRAME_SIDE = 64, 1 << 13


def benchmark(
    models: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[MODEL]...", help="A .tflite each.", show_default=False),
    ] = None,
    threads: Annotated[str, typer.Option(metavar="N,…", help="Numbers of threads; every model runs on each.")] = "1",
    runs: Annotated[int, typer.Option(min=1, help="Measured runs of every model.")] = 100,
    warmup: Annotated[int, typer.Option(min=0, help="Runs before them.")] = 10,
    baseline: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The .tflite to compare with, also MediaPipe's selfie_segmentation.tflite.",
            show_default="the first",
        ),
    ] = None,
    naive: Annotated[
        str | None,
        typer.Option(
            metavar="CKPT",
            help="Compare with the naive conversion of this checkpoint (needs the extras export and train).",
            show_default=False,
        ),
    ] = None,
    ckpt_dir: Annotated[Path, typer.Option(metavar="DIR", help="Where checkpoints are kept.")] = Path("checkpoints"),
    frame: Annotated[str, typer.Option(metavar="WxH", help="Size of the photo that is matted.")] = "640x480",
    delegate: Annotated[
        str, typer.Option(metavar="|".join(HOST_DELEGATES), help="What runs the operators.")
    ] = "xnnpack",
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write everything as JSON; - is stdout.", show_default=False),
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Add to what the JSON file holds already.")] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace the JSON file if it exists.")] = False,
) -> None:
    """Measure latency and memory of models, taking turns in one run so that they can be compared.

    \b
    Examples:
      mmnet benchmark mmnet-int8.tflite
      mmnet benchmark mmnet-int8.tflite mmnet-float.tflite --threads 1,2 --json latency.json
      mmnet benchmark mmnet-int8.tflite --naive latest
      mmnet benchmark mmnet-int8.tflite --baseline selfie_segmentation.tflite
    """
    output = _Output(json_file, merge=merge, force=force)
    height, width = _parse_frame(frame)
    plan = Plan(_parse_threads(threads), runs, warmup, _choose("--delegate", delegate, HOST_DELEGATES), height, width)
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with progress_bar(console) as bar:
        candidates, base = _candidates(models or [], baseline, naive, ckpt_dir, _bar(bar))
        machine = describe_host()
        warnings = list(complaints(machine))
        measured, taken_away = measure(candidates, plan, _bar(bar))
    settings = {
        "runs": plan.runs,
        "warmup_runs": plan.warmup_runs,
        "frame": {"height": height, "width": width},
        "seed": plan.seed,
        "involuntary_context_switches": taken_away,
    }
    results = [host_result(entry, plan.delegate) for entry in measured]
    output.show(measurement(machine, settings, results, base, warnings))


@dataclass(frozen=True)
class _Output:
    """Where the result goes. Checked before anything is measured."""

    json_file: Path | None
    merge: bool
    force: bool

    def __post_init__(self) -> None:
        if self.merge and (self.json_file is None or self.to_stdout):
            raise BenchmarkError("--merge adds to a file; name it with --json FILE")
        if self.json_file is not None and not self.to_stdout:
            check_writable(self.json_file, force=self.force or self.merge)
            self._earlier()

    @property
    def to_stdout(self) -> bool:
        return self.json_file == STDOUT

    def show(self, found: dict[str, Any]) -> None:
        if self.json_file is not None and not self.to_stdout:
            write_document(self.json_file, [*self._earlier(), found])
        console = _wide_console(stderr=self.to_stdout)
        for part in render(found):
            console.print(part, soft_wrap=isinstance(part, str))
        if self.to_stdout:
            typer.echo(to_json([found]))

    def _earlier(self) -> list[dict[str, Any]]:
        if not self.merge or self.json_file is None or not self.json_file.exists():
            return []
        earlier: list[dict[str, Any]] = read_document(self.json_file)["measurements"]
        return earlier


def _candidates(
    models: Sequence[Path],
    baseline: Path | None,
    naive: str | None,
    ckpt_dir: Path,
    progress: Callable[[str, int, int], None],
) -> tuple[list[Candidate], str | None]:
    """What to measure, and the name of the one that the others are compared with; None where there is but one."""
    if baseline is not None and naive is not None:
        raise BenchmarkError("--baseline and --naive both name what to compare with; give one")
    if not models and baseline is None and naive is None:
        raise BenchmarkError("nothing to measure; name a .tflite, for example: mmnet benchmark mmnet-int8.tflite")
    # One file named twice is one model.
    paths = {path.resolve(): path for path in ([baseline] if baseline else []) + list(models)}
    opened = [open_file(path) for path in paths.values()]
    if naive is not None:
        progress("converting the naive baseline", 0, 1)
        opened.insert(0, _naive_candidate(naive, ckpt_dir))
    candidates = named_apart(opened)
    return candidates, candidates[0].name if len(candidates) > 1 else None


def _naive_candidate(which: str, ckpt_dir: Path) -> Candidate:
    # Heavy packages only once the arguments are known to be good.
    from mmnet.benchmark.naive import naive_conversion
    from mmnet.model.resolve import resolve
    from mmnet.model.tensorflow import load_tensorflow

    found = resolve(which, ckpt_dir)
    load_tensorflow()
    checkpoint = found.load()
    content = naive_conversion(checkpoint)
    recipe = {
        "checkpoint": {"name": found.path.name, "sha256": checkpoint.fingerprint(), "step": checkpoint.step},
        "model": checkpoint.config.to_json(),
        "precision": "float32",
    }
    return Candidate(f"naive {found.path.name}", "naive", which, checkpoint.config.size, content, recipe)


def _parse_threads(text: str) -> list[int]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and 1 <= int(word) <= _MAX_THREADS for word in words):
        raise BenchmarkError(f"--threads {text}: give numbers from 1 to {_MAX_THREADS}, separated by commas: 1,2,4")
    return list(dict.fromkeys(map(int, words)))


def _parse_frame(text: str) -> tuple[int, int]:
    """(height, width)."""
    found = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text)
    width, height = (int(side) for side in found.groups()) if found else (0, 0)
    if not (1 <= width <= _MAX_FRAME_SIDE and 1 <= height <= _MAX_FRAME_SIDE):
        raise BenchmarkError(f"--frame {text}: give width and height in pixels, at most {_MAX_FRAME_SIDE}: 640x480")
    return height, width


def _choose(option: str, given: str, accepted: Any) -> str:
    if given not in accepted:
        raise BenchmarkError(f"{option} {given}: accepted are {', '.join(accepted)}")
    return given


def _bar(progress: Progress) -> Callable[[str, int, int], None]:
    task = progress.add_task("", total=None, visible=False)

    def update(description: str, done: int, total: int) -> None:
        progress.update(task, description=description, completed=done, total=total, visible=done < total)

    return update


def _wide_console(*, stderr: bool) -> Console:
    """As wide as the terminal; where there is none, nothing has to fit into it."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=1 << 12)
