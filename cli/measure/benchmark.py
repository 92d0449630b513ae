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
from typer.core import TyperGroup

from mmnet.benchmark.android.benchmark_model import DELEGATES
from mmnet.benchmark.android.condition import read_condition
from mmnet.benchmark.android.demo import FOLDER as DEMO_FOLDER
from mmnet.benchmark.android.demo import DemoApp
from mmnet.benchmark.android.native import FOLDER as NATIVE_FOLDER
from mmnet.benchmark.android.native import NativeTool
from mmnet.benchmark.android.phone import Phone, find_phone
from mmnet.benchmark.android.rounds import DevicePlan, Tool, complaints_about, describe_phone, measure_on_phone
from mmnet.benchmark.document import host_result, measurement, read_document, to_json, write_document
from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.host.machine import complaints, describe_host
from mmnet.benchmark.host.rounds import Plan, measure
from mmnet.benchmark.host.stages import HOST_DELEGATES
from mmnet.benchmark.table import LatencyTable
from mmnet.cli.console import wide_console
from mmnet.cli.measure.latency_table import show_latency
from mmnet.cli.measure.plot import plot
from mmnet.cli.options import CheckpointDir
from mmnet.cli.progress import progress_bar
from mmnet.evaluation.models import Candidate, open_file, with_unique_names
from mmnet.files import check_writable
from mmnet.runtime.errors import ModelError
from mmnet.runtime.model import MattingModel, default_model
from mmnet.runtime.tflite.metadata import read_metadata

STDOUT = Path("-")
PHONE = "On a phone"
Progressing = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much
_MAX_THREADS, _MAX_FRAME_SIDE = 64, 1 << 13


def benchmark(
    models: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[MODEL]...", help="A .tflite each.", show_default="the one that ships"),
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
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    frame: Annotated[str, typer.Option(metavar="WxH", help="Size of the photo that is matted.")] = "640x480",
    composite: Annotated[
        bool,
        typer.Option(
            "--composite",
            help="Also lay the person before another background, as mmnet matte does, and compare everything after the "
            "network with the network; not with --device.",
        ),
    ] = False,
    delegate: Annotated[
        str,
        typer.Option(
            metavar="|".join(DELEGATES), help="What runs the operators; gpu and nnapi with --benchmark-binary alone."
        ),
    ] = "xnnpack",
    device: Annotated[
        str | None,
        typer.Option(
            metavar="SERIAL|any",
            help="Measure on this Android device (see adb devices) with the demo app, or with --benchmark-binary.",
            show_default=False,
            rich_help_panel=PHONE,
        ),
    ] = None,
    benchmark_binary: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TensorFlow Lite's benchmark_model, built for the device; measures the invocation alone.",
            show_default=False,
            rich_help_panel=PHONE,
        ),
    ] = None,
    affinity: Annotated[
        str | None,
        typer.Option(
            metavar="MASK",
            help="Processors to run on, hexadecimal, as taskset takes it: f0 is the last four of eight. With "
            "--benchmark-binary alone.",
            show_default="Android's choice",
            rich_help_panel=PHONE,
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, help="Starts of every model, over which --runs are spread.", rich_help_panel=PHONE)
    ] = 5,
    cool_down: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Pause between starts.", rich_help_panel=PHONE)
    ] = 10,
    patience: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="How long to wait for a throttled phone to cool, and for a start to end.",
            rich_help_panel=PHONE,
        ),
    ] = 300,
    device_dir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Where to work on the device: a folder that is removed in the end; of the demo app, its external "
            "files directory, which stays.",
            show_default=f"{NATIVE_FOLDER} or {DEMO_FOLDER}",
            rich_help_panel=PHONE,
        ),
    ] = None,
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
      mmnet benchmark --frame 1920x1080 --composite --threads 1,2
      mmnet benchmark mmnet-int8.tflite --device any --json latency.json --merge
      mmnet benchmark mmnet-int8.tflite --device any --benchmark-binary benchmark_model --affinity f0
      mmnet benchmark plot figures.json latency.json   (accuracy against latency; see its --help)
    """
    output = _Output(json_file, merge=merge, force=force)
    height, width = _parse_frame(frame)
    counts = _parse_threads(threads)
    names = DELEGATES if benchmark_binary else HOST_DELEGATES if device is None else ("xnnpack",)
    _choose("--delegate", delegate, names)
    if composite and device is not None:
        raise BenchmarkError("--composite is measured on this host; leave --device out")
    _check_phone_options(device, benchmark_binary, affinity, device_dir)
    host = describe_host()  # before anything of ours loads it
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    with progress_bar(console) as bar:
        progress = _bar(bar)
        phone = None if device is None else find_phone(device)
        candidates, base = _candidates(models or [], baseline, naive, ckpt_dir, progress)
        if phone is None:
            plan = Plan(counts, runs, warmup, delegate, height, width, composite=composite)
            found = _on_host(host, candidates, base, plan, progress)
        else:
            tool: Tool = (
                DemoApp(phone, device_dir or DEMO_FOLDER, patience, warmup)
                if benchmark_binary is None
                else NativeTool(
                    phone,
                    device_dir or NATIVE_FOLDER,
                    benchmark_binary,
                    patience,
                    delegate=delegate,
                    affinity=affinity,
                    warmup_runs=warmup,
                )
            )
            device_plan = DevicePlan(counts, runs, min(rounds, runs), cool_down, patience)
            how = {"tool": type(tool).__name__, "delegate": delegate, "affinity": affinity, "warmup_runs": warmup}
            found = _on_phone(phone, tool, candidates, base, device_plan, how, progress)
    output.show(found)


def _on_host(
    machine: dict[str, Any], candidates: Sequence[Candidate], base: str | None, plan: Plan, progress: Progressing
) -> dict[str, Any]:
    warnings = list(complaints(machine))
    measured, taken_away = measure(candidates, plan, progress)
    settings = {
        "runs": plan.runs,
        "warmup_runs": plan.warmup_runs,
        "frame": {"height": plan.height, "width": plan.width},
        "seed": plan.seed,
        "involuntary_context_switches": taken_away,
    }
    results = [host_result(entry, plan.delegate) for entry in measured]
    return measurement(machine, settings, results, base, warnings)


def _on_phone(
    phone: Phone,
    tool: Tool,
    candidates: Sequence[Candidate],
    base: str | None,
    plan: DevicePlan,
    how: dict[str, Any],
    progress: Progressing,
) -> dict[str, Any]:
    machine = describe_phone(phone)
    warnings = complaints_about(machine, read_condition(phone))
    results = measure_on_phone(phone, tool, candidates, plan, progress)
    discarded = sum(len(result["discarded_rounds"]) for result in results)
    if discarded:
        warnings.append(f"{discarded} rounds were throttled and measured again")
    settings = {"runs": plan.runs_a_round * plan.rounds, "rounds": plan.rounds, "cool_down_s": plan.cool_down, **how}
    results = [result | {"delegate": how["delegate"]} for result in results]
    return measurement(machine, settings, results, base, warnings)


def _check_phone_options(device: str | None, binary: Path | None, affinity: str | None, folder: str | None) -> None:
    if device is None and (binary is not None or affinity is not None or folder is not None):
        raise BenchmarkError(
            "--benchmark-binary, --affinity and --device-dir are for a phone; name it with --device SERIAL or any"
        )
    if binary is None and affinity is not None:
        raise BenchmarkError("--affinity needs --benchmark-binary FILE; the demo app runs where Android puts it")
    if affinity is not None and not re.fullmatch(r"[0-9a-fA-F]{1,16}", affinity):
        raise BenchmarkError(f"--affinity {affinity}: give a hexadecimal mask: f0 is the last four of eight processors")
    if folder is not None and not re.fullmatch(r"(/[\w.-]+){2,}", folder):
        raise BenchmarkError(
            f"--device-dir {folder}: give an absolute path of at least two folders: /data/local/tmp/here"
        )


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
        show_latency(wide_console(stderr=self.to_stdout), LatencyTable.of(found))
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
    progress: Progressing,
) -> tuple[list[Candidate], str | None]:
    """What to measure, and the name of the one that the others are compared with; None where there is but one.

    The baseline comes first. Without models, the one that ships is measured.
    """
    if baseline is not None and naive is not None:
        raise BenchmarkError("--baseline and --naive both name what to compare with; give one")
    # One file named twice is one model.
    paths = {path.resolve(): path for path in ([baseline] if baseline else []) + list(models)}
    opened = [open_file(path) for path in paths.values()]
    if not models:
        opened.append(_shipped_candidate())
    if naive is not None:
        progress("converting the naive baseline", 0, 1)
        opened.insert(0, _naive_candidate(naive, ckpt_dir))
    candidates = with_unique_names(opened)
    return candidates, candidates[0].name if len(candidates) > 1 else None


def _shipped_candidate() -> Candidate:
    try:
        content = default_model()
    except ModelError as error:
        raise BenchmarkError(
            "nothing to measure: no model ships with this installation; name a .tflite, or make one with export-tflite"
        ) from error
    with MattingModel(content, threads=1) as model:
        metadata = read_metadata(content)
        return Candidate(
            "shipped", "tflite", "the model that ships", model.size, content, metadata.recipe if metadata else {}
        )


def _naive_candidate(which: str, ckpt_dir: Path) -> Candidate:
    # Heavy packages only once the arguments are known to be good.
    from mmnet.benchmark.host.naive import naive_conversion
    from mmnet.network.resolve import resolve
    from mmnet.network.tensorflow import load_tensorflow

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


def _bar(progress: Progress) -> Progressing:
    task = progress.add_task("", total=None, visible=False)

    def update(description: str, done: int, total: int) -> None:
        progress.update(task, description=description, completed=done, total=total, visible=done < total)

    return update


class _MeasureByDefault(TyperGroup):
    """`mmnet benchmark MODEL…` measures; `mmnet benchmark plot …` draws what was measured."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the command where the user left it out."""
        given = args if args[:1] == ["plot"] else ["measure", *args]
        return super().parse_args(ctx, given)


benchmark_app = typer.Typer(cls=_MeasureByDefault, help="Measure latency and memory of models, here or on a phone.")
benchmark_app.command("measure")(benchmark)
benchmark_app.command("plot")(plot)
