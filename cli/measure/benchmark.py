"""`mmnet benchmark`: latency and memory on this host or on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmnet.benchmark.errors import BenchmarkError
from mmnet.cli.lazy import Application, PlainGroup
from mmnet.cli.measure import benchmark_options as options
from mmnet.cli.measure.console import STDOUT, command_line
from mmnet.cli.measure.plot import plot
from mmnet.cli.options import AcceleratorOption, CheckpointDir
from mmnet.cli.process.streams import echo_json
from mmnet.files import check_writable
from mmnet.runtime.imaging.fit import Fit, choose_fit

if TYPE_CHECKING:
    from rich.progress import Progress

    from mmnet.api.benchmarking import LatencyReport


def benchmark(
    models: options.Models = None,
    threads: options.Threads = "1",
    runs: options.Runs = 100,
    warmup: options.Warmup = 10,
    baseline: options.Baseline = None,
    naive: options.Naive = None,
    ckpt_dir: CheckpointDir = Path("checkpoints"),
    frame: options.Frame = "640x480",
    fit: options.FitOfFrame = Fit.STRETCH,
    composite: options.Composite = False,
    delegate: options.Delegate = "xnnpack",
    accelerator: AcceleratorOption = None,
    device: options.Device = None,
    benchmark_binary: options.BenchmarkBinary = None,
    affinity: options.Affinity = None,
    rounds: options.Rounds = 5,
    cool_down: options.CoolDown = 10,
    timeout: options.Timeout = 300,
    device_dir: options.DeviceDir = None,
    json_file: options.JsonFile = None,
    merge: options.Merge = False,
    force: options.Force = False,
) -> None:
    """Measure latency and memory of models. They take turns in one run, so that they can be compared.

    \b
    Examples:
      mmnet benchmark mmnet-int8.tflite
      mmnet benchmark mmnet-int8.tflite mmnet-float.tflite --threads 1,2 --json latency.json
      mmnet benchmark mmnet-int8.tflite --naive latest
      mmnet benchmark mmnet-int8.tflite --baseline selfie_segmentation.tflite
      mmnet benchmark --frame 1920x1080 --composite --threads 1,2
      mmnet benchmark --frame 1920x1080 --fit auto   (the two passes of a photo with a small person)
      mmnet benchmark mmnet-int8.tflite --device any --json latency.json --merge
      mmnet benchmark mmnet-int8.tflite --device any --benchmark-binary benchmark_model --affinity f0
      mmnet benchmark plot figures.json latency.json   (accuracy against latency; see its --help)
    """
    from mmnet.api.benchmarking import measure_latency, measure_latency_on_phone
    from mmnet.cli.console import message_console
    from mmnet.cli.progress import progress_bar

    output = _Output(json_file, merge=merge, force=force)
    size = _parse_frame(frame)
    shared: dict[str, Any] = {
        "models": models,
        "baseline": baseline,
        "naive": naive,
        "checkpoint_dir": ckpt_dir,
        "threads": _parse_threads(threads),
        "runs": runs,
        "warmup_runs": warmup,
        "delegate": delegate,
        "command": command_line(),
    }
    phone_options = (benchmark_binary, affinity, device_dir)
    _check_place(device, phone_options, choose_fit(fit), accelerator, composite=composite)
    with progress_bar(message_console()) as bar:
        if device is None:
            report = measure_latency(
                **shared, accelerator=accelerator, frame=size, fit=fit, composite=composite, progress=_task(bar)
            )
        else:
            report = measure_latency_on_phone(
                **shared,
                device=device,
                binary=benchmark_binary,
                affinity=affinity,
                rounds=rounds,
                cool_down=cool_down,
                timeout=timeout,
                folder=device_dir,
                progress=_task(bar),
            )
    output.show(report)


def _check_place(
    device: str | None, phone_options: tuple[object, ...], fit: Fit, accelerator: str | None, *, composite: bool
) -> None:
    """Refuse options that are not for the place of the measurement: a phone, or this host."""
    if device is None:
        if any(option is not None for option in phone_options):
            raise BenchmarkError(
                "--benchmark-binary, --affinity and --device-dir are for a phone; name it with --device SERIAL or any"
            )
        return
    if fit is not Fit.STRETCH:
        raise BenchmarkError(f"--fit {fit} is measured on this host; leave --device out")
    if accelerator is not None:
        raise BenchmarkError("--accelerator is measured on this host; for a phone, take --delegate gpu")
    if composite:
        raise BenchmarkError("--composite is measured on this host; leave --device out")


@dataclass(frozen=True)
class _Output:
    """The destination of the report, which is checked before anything is measured."""

    json_file: Path | None
    merge: bool
    force: bool

    def __post_init__(self) -> None:
        from mmnet.benchmark.document import read_document

        if self.merge and (self.json_file is None or self.to_stdout):
            raise BenchmarkError("--merge adds to a file; name it with --json FILE")
        if self.json_file is not None and not self.to_stdout:
            check_writable(self.json_file, force=self.force or self.merge)
            if self.merge and self.json_file.exists():
                read_document(self.json_file)

    @property
    def to_stdout(self) -> bool:
        return self.json_file == STDOUT

    def show(self, report: LatencyReport) -> None:
        """Write the JSON and show the table."""
        from mmnet.benchmark.document import to_json
        from mmnet.cli.console import wide_console
        from mmnet.cli.measure.latency_table import show_latency

        if self.json_file is not None and not self.to_stdout:
            report.save_json(self.json_file, merge=self.merge, force=self.force)
        show_latency(wide_console(stderr=self.to_stdout), report.table)
        if self.to_stdout:
            echo_json(to_json(report.document()))


def _parse_threads(text: str) -> list[int]:
    from mmnet.benchmark.host.rounds import MAX_THREADS

    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and 1 <= int(word) <= MAX_THREADS for word in words):
        raise BenchmarkError(f"--threads {text}: give numbers from 1 to {MAX_THREADS}, separated by commas: 1,2,4")
    return list(dict.fromkeys(map(int, words)))


def _parse_frame(text: str) -> tuple[int, int]:
    """Return height and width."""
    from mmnet.benchmark.host.rounds import MAX_FRAME_SIDE

    match = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text)
    width, height = (int(side) for side in match.groups()) if match else (0, 0)
    if not (1 <= width <= MAX_FRAME_SIDE and 1 <= height <= MAX_FRAME_SIDE):
        raise BenchmarkError(f"--frame {text}: give width and height in pixels, at most {MAX_FRAME_SIDE}: 640x480")
    return height, width


def _task(progress: Progress) -> Callable[[str, int, int], None]:
    """Add a line to the progress bar, and return the callback that updates it."""
    task = progress.add_task("", total=None, visible=False)

    def update(description: str, done: int, total: int) -> None:
        progress.update(task, description=description, completed=done, total=total, visible=done < total)

    return update


class _MeasureByDefault(PlainGroup):
    """`mmnet benchmark MODEL…` measures; `mmnet benchmark plot …` draws measurements."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the name of the command `measure`, which users leave out."""
        given = args if args[:1] == ["plot"] else ["measure", *args]
        return super().parse_args(ctx, given)


benchmark_app = Application(cls=_MeasureByDefault, help="Measure latency and memory of models, here or on a phone.")
benchmark_app.command("measure")(benchmark)
benchmark_app.command("plot")(plot)
