"""Latency and memory of models, on this host and on an Android phone.

import mmnet

report = mmnet.measure_latency(["mmnet-int8.tflite", "mmnet-float.tflite"], threads=(1, 2))
print(report)                                  # the table
report.ratio("mmnet-float", threads=2).median  # to the first model, on as many threads
report.save_json("latency.json")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmnet.arguments import checked_arguments
from mmnet.benchmark.android.measurement import ToolOptions, measure_on_phone
from mmnet.benchmark.android.phone import ANY, find_phone
from mmnet.benchmark.android.rounds import RoundOptions
from mmnet.benchmark.candidates import Model, choose_candidates
from mmnet.benchmark.document import make_document, read_document, to_json, write_document
from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.figure import draw
from mmnet.benchmark.host.machine import describe_host
from mmnet.benchmark.host.measurement import measure_on_host
from mmnet.benchmark.host.rounds import HostOptions
from mmnet.benchmark.joined import Point, front, read_points
from mmnet.benchmark.latency import Latency, Ratio
from mmnet.benchmark.progress import Progress, no_progress
from mmnet.benchmark.table import LatencyTable
from mmnet.files import atomic_file, check_writable
from mmnet.network.resolve import DEFAULT_FOLDER
from mmnet.runtime.imaging.fit import Fit, choose_fit

__all__ = ["LatencyFigure", "LatencyReport", "measure_latency", "measure_latency_on_phone", "plot_latency"]

Models = Model | Sequence[Model] | None


@dataclass(frozen=True, repr=False)
class LatencyReport:
    """Latency and memory of models on one machine. `print` shows it as a table.

    Attributes:
        measurement: everything that was measured and how, as plain JSON values: one entry of `measurements` in the
            document that `mmnet benchmark --json` writes.
    """

    measurement: Mapping[str, Any]

    def __str__(self) -> str:
        return str(self.table)

    def __repr__(self) -> str:
        return f"<LatencyReport of {', '.join(self.models)} on {self.table.machine}>"

    @property
    def table(self) -> LatencyTable:
        """The report as a table of text."""
        return LatencyTable.of(self.measurement)

    @property
    def models(self) -> list[str]:
        """The names of the models, in the order of the table."""
        return list(dict.fromkeys(result["name"] for result in self.measurement["results"]))

    @property
    def baseline(self) -> str | None:
        """The name of the model that the others are compared with; None if only one was measured."""
        name: str | None = self.measurement["baseline"]
        return name

    @property
    def warnings(self) -> list[str]:
        """The reasons to doubt the figures, one sentence each."""
        return list(self.measurement["warnings"])

    def latency(self, model: str | None = None, *, threads: int | None = None, stage: str = "invoke") -> Latency:
        """Return the latency of one stage of a model.

        Args:
            model: the name of a model; the first if None.
            threads: the number of threads; the first that was measured if None.
            stage: preprocess, invoke, postprocess, composite or total, as far as it was measured.

        Raises:
            BenchmarkError: this was not measured.
        """
        stages = self._result(model, threads)["stages"]
        if stage not in stages:
            raise BenchmarkError(f"the stage {stage!r} was not measured; choose one of {', '.join(stages)}")
        return Latency(**stages[stage])

    def ratio(self, model: str, *, threads: int | None = None, stage: str = "invoke") -> Ratio:
        """Return the latency of a model as a multiple of the baseline's.

        Args:
            model: the name of a model other than the baseline.
            threads: the number of threads; the first that was measured if None.
            stage: invoke or total.

        Raises:
            BenchmarkError: this was not measured, or the model is the baseline.
        """
        ratios = self._result(model, threads)["ratio"]
        if not ratios or stage not in ratios:
            raise BenchmarkError(f"{stage!r} of {model!r} was not compared with {self.baseline!r}")
        return Ratio(**ratios[stage])

    def document(self) -> dict[str, Any]:
        """Return the report as the JSON document that `mmnet benchmark --json` writes."""
        return make_document([self.measurement])

    def to_json(self) -> str:
        """Return `document` as text, without a newline at its end."""
        return to_json(self.document())

    def save_json(self, path: str | Path, *, merge: bool = False, force: bool = False) -> None:
        """Write the report as a JSON document.

        Args:
            path: the file.
            merge: whether to add the report to the measurements that the file already holds.
            force: whether to replace the file if it exists.

        Raises:
            BenchmarkError: `merge` is true, and the file holds something else.
            OutputError: the file exists and neither `merge` nor `force` is true, or it cannot be written.
        """
        path = Path(path)
        check_writable(path, force=force or merge)
        earlier = read_document(path)["measurements"] if merge and path.exists() else []
        write_document(path, [*earlier, self.measurement], replace=force or merge)

    def _result(self, model: str | None, threads: int | None) -> Mapping[str, Any]:
        results: list[Mapping[str, Any]] = self.measurement["results"]
        for result in results:
            if model in (None, result["name"]) and threads in (None, result["threads"]):
                return result
        measured = ", ".join(f"{result['name']!r} on {result['threads']}" for result in results)
        raise BenchmarkError(f"{model!r} on {threads} threads was not measured; measured are {measured}")


@checked_arguments
def measure_latency(
    models: Models = None,
    *,
    baseline: Model | None = None,
    naive: str | Path | None = None,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    threads: int | Sequence[int] = 1,
    runs: int = 100,
    warmup_runs: int = 10,
    frame: tuple[int, int] | None = None,
    fit: Fit | str = Fit.STRETCH,
    composite: bool = False,
    delegate: str = "xnnpack",
    accelerator: str | None = None,
    progress: Progress = no_progress,
    command: str | None = None,
) -> LatencyReport:
    """Measure latency and memory of models on this host.

    Each model is first started in a process of its own: load, first run, warm-up, memory. Then all models take turns in
    one run, so that other load on the machine affects all of them alike and they can be compared.

    Args:
        models: paths or bytes of .tflite files, or names of models that ship; the default model if None.
        baseline: the model that the others are compared with; the first of `models` if None.
        naive: a checkpoint (a path, a name, `latest` or `best`) whose naive conversion is the baseline; not together
            with `baseline`. Needs the extras `export` and `train`.
        checkpoint_dir: the folder that holds the checkpoints, for `naive`.
        threads: one or more numbers of threads, each in 1-64; every model is measured with each of them.
        runs: measured runs of every model, >= 1.
        warmup_runs: runs before them, >= 0.
        frame: height and width of the photo that is matted, pixels, each in 1-8192; (480, 640) if None.
        fit: how the photo is brought into the model's square; `auto` measures the two passes of a photo in which a
            person fills little.
        composite: whether every matte is also composited over another background, and that stage timed.
        delegate: what runs the operators: "xnnpack", or "none" for LiteRT's built-in kernels.
        accelerator: `cpu` or `gpu`, what LiteRT compiles the models for; None runs them in an interpreter.
        progress: called with a description, the number of steps done and the number of steps.
        command: a command line to record in the document.

    Raises:
        BenchmarkError, FitError: an argument is not accepted, or there is no model.
        ModelError: a model cannot be read, loaded or run; names it.
        CheckpointError: the checkpoint of `naive` cannot be read.
        MissingExtraError: `naive` is given, and a package that it needs is not installed.
    """
    options = HostOptions(
        threads=_counts(threads),
        runs=runs,
        warmup_runs=warmup_runs,
        delegate=delegate,
        accelerator=accelerator,
        frame=frame or HostOptions.frame,
        fit=choose_fit(fit),
        composite=composite,
    )
    machine = describe_host()  # before this process loads the machine
    candidates, base = choose_candidates(_listed(models), baseline, naive, checkpoint_dir, progress)
    return LatencyReport(measure_on_host(machine, candidates, base, options, progress, command=command))


@checked_arguments
def measure_latency_on_phone(
    models: Models = None,
    *,
    device: str = ANY,
    binary: str | Path | None = None,
    baseline: Model | None = None,
    naive: str | Path | None = None,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    threads: int | Sequence[int] = 1,
    runs: int = 100,
    warmup_runs: int = 10,
    rounds: int = 5,
    cool_down: float = 10.0,
    timeout: float = 300.0,
    delegate: str = "xnnpack",
    affinity: str | None = None,
    folder: str | None = None,
    progress: Progress = no_progress,
    command: str | None = None,
) -> LatencyReport:
    """Measure latency of models on an Android phone over adb, with the demo app or with `benchmark_model`.

    Models take turns in rounds with pauses. A round in which the phone was throttled is repeated. Nothing is left on
    the phone. Needs the extra `device`.

    Args:
        models: paths or bytes of .tflite files, or names of models that ship; the default model if None.
        device: the serial number of the phone, or "any" for the only one that is connected.
        binary: TensorFlow Lite's `benchmark_model`, built for the phone, which measures the invocation alone; None
            measures every stage with the installed demo app.
        baseline: as for `measure_latency`.
        naive: as for `measure_latency`.
        checkpoint_dir: as for `measure_latency`.
        threads: as for `measure_latency`.
        runs: measured runs of every model over all rounds, >= 1.
        warmup_runs: runs before the measured ones of every start, >= 0.
        rounds: starts of every model, over which `runs` are spread, >= 1.
        cool_down: seconds of pause between starts.
        timeout: seconds to wait for a throttled phone to cool down, and for a start to end.
        delegate: what runs the operators; with `binary`: xnnpack, none, gpu or nnapi; otherwise xnnpack.
        affinity: with `binary`: hexadecimal mask of the processors to run on, for example f0.
        folder: the folder on the phone to work in, which is removed; for the demo app, its external files directory,
            which stays.
        progress: as for `measure_latency`.
        command: as for `measure_latency`.

    Raises:
        BenchmarkError: an argument is not accepted, or there is no model.
        DeviceError: the phone cannot be reached, fails, or stays throttled; names it.
        ModelError: a model cannot be read.
        CheckpointError: the checkpoint of `naive` cannot be read.
        MissingExtraError: a package that is needed is not installed.
    """
    tool = ToolOptions(None if binary is None else Path(binary), delegate, affinity, folder, warmup_runs)
    turns = RoundOptions(_counts(threads), runs, rounds, cool_down, timeout)
    phone = find_phone(device)
    candidates, base = choose_candidates(_listed(models), baseline, naive, checkpoint_dir, progress)
    return LatencyReport(measure_on_phone(phone, candidates, base, tool, turns, progress, command=command))


@dataclass(frozen=True, repr=False)
class LatencyFigure:
    """Accuracy against latency of models, as a figure.

    Attributes:
        svg: the figure.
        points: the models that it shows, one per machine and set of images.
        missing: names of models that were measured but not evaluated; the figure leaves them out.
    """

    svg: str
    points: list[Point]
    missing: list[str]

    def __repr__(self) -> str:
        return f"<LatencyFigure of {', '.join(dict.fromkeys(point.label for point in self.points))}>"

    @property
    def front(self) -> list[Point]:
        """The models that no other on the same images and machine equals or beats in both error and latency."""
        return front(self.points)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the SVG.

        Args:
            path: the file.
            force: whether to replace the file if it exists.

        Raises:
            OutputError: the file exists and `force` is false, or it cannot be written.
        """
        check_writable(Path(path), force=force)
        with atomic_file(Path(path), replace=force) as temporary:
            temporary.write_text(self.svg, encoding="utf-8")


@checked_arguments
def plot_latency(
    evaluation: str | Path | Sequence[str | Path],
    latency: str | Path | Sequence[str | Path],
    *,
    figure: str = "GAUSS_GRAD_800x600",
    stage: str = "invoke",
    threads: int = 1,
) -> LatencyFigure:
    """Draw accuracy against latency of the models that were both evaluated and measured.

    Args:
        evaluation: one or more files that `mmnet evaluate --json` wrote, each of other images; each gets a panel.
        latency: one or more files that `mmnet benchmark --json` or `LatencyReport.save_json` wrote.
        figure: the error on the vertical axis, a figure of the evaluation of which less is better.
        stage: the stage on the horizontal axis: preprocess, invoke, postprocess or total.
        threads: the number of threads.

    Raises:
        BenchmarkError: the figure or the stage is unknown, a file cannot be read or holds something else, two
            evaluations are of the same images, or no model of an evaluation was measured.
    """
    points, missing = read_points(_paths(evaluation), _paths(latency), figure, stage, threads)
    error_name = figure.replace("_256x256", " 256×256").replace("_800x600", " 800×600")
    return LatencyFigure(draw(points, error_name, stage), points, missing)


def _paths(files: str | Path | Sequence[str | Path]) -> list[Path]:
    return [Path(files)] if isinstance(files, str | Path) else [Path(path) for path in files]


def _listed(models: Models) -> list[Model]:
    if models is None:
        return []
    return [models] if isinstance(models, str | Path | bytes) else list(models)


def _counts(threads: int | Sequence[int]) -> tuple[int, ...]:
    return (threads,) if isinstance(threads, int) else tuple(threads)
