"""Tables at 60, 80 and 120 columns, with realistic results: every figure stands whole on one line."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console, RenderableType
from support import ROOT, run

from mmnet.api.comparing_models import ModelComparison
from mmnet.api.profiling import ModelProfile
from mmnet.benchmark.profile.operators import OperatorProfile
from mmnet.benchmark.profile.peak import Peak
from mmnet.benchmark.table import LatencyTable
from mmnet.cli.inspection.command import _page
from mmnet.cli.inspection.summary import flat_recipe
from mmnet.cli.measure.arm_table import arm_tables
from mmnet.cli.measure.compare import show_comparison
from mmnet.cli.measure.evaluate import _show_sequences
from mmnet.cli.measure.latency_table import show_latency
from mmnet.cli.measure.parity import _show_report
from mmnet.cli.measure.profile import show_profile
from mmnet.cli.measure.sensitivity import _print
from mmnet.cli.measure.tables import figure_tables
from mmnet.cli.progress import progress_bar, wrapped_text
from mmnet.cli.tables import column_tables, facts, rows_table
from mmnet.cli.training.data_report import show_report
from mmnet.evaluation.arm.parity import STAGES, ArrayComparison, ImageComparison, Outcome
from mmnet.evaluation.arm.processors import PROCESSORS
from mmnet.evaluation.arm.report import Tolerance
from mmnet.evaluation.evaluate import Result
from mmnet.evaluation.models import Candidate
from mmnet.evaluation.parity.compare import ACCURACY, DIFFERENCES, ImageParity, Parity, changes, judge
from mmnet.evaluation.parity.comparison import change_rows, difference_rows
from mmnet.evaluation.parity.report import ParityReport, accuracy_rows, limit_rows
from mmnet.evaluation.parity.tolerances import tolerances
from mmnet.evaluation.report import figure_text
from mmnet.evaluation.resize import choose_resize
from mmnet.evaluation.statistics import Statistics, summarise
from mmnet.evaluation.video.evaluate import NAMES, SMOOTHED, VideoResult
from mmnet.quantize.sensitivity import LayerSensitivity, Proposal, Sensitivity
from mmnet.runtime.imaging.fit import Fit
from mmnet.runtime.tflite.inspection import ModelReport, inspect_model
from mmnet.training.data.check import DataReport, Finding, SourceSummary

WIDTHS = (60, 80, 120)
LONG_NAME = "experiment-2026-02-whole-people-frozen-norms-256-int8-per-channel"


def shown(width: int, show: Callable[[Console], Any]) -> list[str]:
    """The lines that a function prints on a terminal of this width; none is wider, and none is cut."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None, highlight=False)
    show(console)
    return stream.getvalue().splitlines()


def assert_whole(lines: list[str], texts: Iterable[str], width: int) -> None:
    """Every text stands on one line, no text is cut with an ellipsis, and no table is wider than the terminal."""
    for text in texts:
        assert any(text in line for line in lines), text
    assert not [line for line in lines if re.search(r"\S…(\s|$)", line)]
    # The terminal itself wraps sentences.
    assert not [line for line in lines if len(line) > width and not re.search(r"[a-z]+ [a-z]+ [a-z]+", line)]


@pytest.fixture(scope="module")
def measurement() -> dict[str, Any]:
    """The committed measurement, with every column that a table may have."""
    (entry,) = json.loads((ROOT / "benchmark" / "results" / "latency.json").read_text())["measurements"]
    for result in entry["results"]:
        stages = result["stages"]
        stages["composite"] = {"median_ms": 12.34}
        result["after_invoke"] = {"median": 1.234, "low": 1.201, "high": 1.266}
        result["delegated"] = {"whole": False, "kernels": 3, "operators": 118, "left": 3, "unsupported": ["QUANTIZE"]}
        result["warmup"] = {"median_ms": 123.4, "mean_ms": 130.0}
    found: dict[str, Any] = entry
    return found


@pytest.mark.parametrize("width", [*WIDTHS, 160, 200])
def test_benchmark(measurement: dict[str, Any], width: int) -> None:
    measurement["results"][2]["name"] = LONG_NAME[:58]
    table = LatencyTable.of(measurement)
    assert len(table.headings) == 17
    lines = shown(width, lambda console: show_latency(console, table))
    assert_whole(lines, [cell for row in table.rows for cell in row if cell != "–"], width)
    assert_whole(lines, table.headings, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_evaluate(width: int) -> None:
    document = json.loads((ROOT / "evaluation" / "results" / "portraits-test-shipped.json").read_text())
    results = [
        Result(
            Candidate(model["name"], "tflite", model["name"], 256, b""),
            {name: Statistics(**entry) for name, entry in model["statistics"].items()},
            {},
        )
        for model in [*document["models"], document["models"][0] | {"name": LONG_NAME}]
    ]

    def show(console: Console) -> None:
        for table in figure_tables(results, console.width):
            console.print(table)

    expected = []
    for result in results:
        for entry in result.statistics.values():
            low, high = figure_text(entry.low), figure_text(entry.high)
            expected += [figure_text(entry.mean), f"± {figure_text(entry.deviation)}", f"{low}–{high}"]
    lines = shown(width, show)
    assert_whole(lines, [*expected, *results[0].statistics, *(result.name for result in results[:-1])], width)
    assert LONG_NAME in re.sub(r"\s+", "", "".join(lines))


@pytest.mark.parametrize("width", WIDTHS)
def test_evaluate_video(width: int) -> None:
    random = np.random.default_rng(1)

    def result(name: str, factor: float) -> Result:
        scales = (0.02, 0.2, 0.005, 3.0, 150.0)
        images = {f"s{index}": {key: factor * one * random.random() for key, one in zip(NAMES, scales, strict=True)}
                  for index in range(8)}  # fmt: skip
        values = np.array([list(figures.values()) for figures in images.values()])
        return Result(
            Candidate(name, "tflite", name, 256, b""), dict(zip(NAMES, summarise(values), strict=True)), images
        )

    names = ["mmnet-1.0-256-int8", "mmnet-1.0-256-float32", "selfie_segmentation", "mine"]
    results = tuple(VideoResult(result(name, 1.0), result(name + SMOOTHED, 0.8)) for name in names)
    evaluation = SimpleNamespace(
        results=results,
        columns=[part for one in results for part in (one.frame_by_frame, one.smoothed)],
        data={"sequences": 8, "frames": 240},
        resize=choose_resize("runtime"),
        fit=Fit.STRETCH,
    )
    lines = shown(width, lambda console: _show_sequences(console, evaluation, 0))  # type: ignore[arg-type]
    expected = []
    for one in results:
        for name, entry in one.change.items():
            before = one.frame_by_frame.statistics[name].mean
            sign = "+" if entry.mean >= 0 else "−"
            expected.append(f"{sign}{figure_text(abs(entry.mean))} ({entry.mean / before:+.1%})")
    assert_whole(lines, [*expected, *names], width)
    assert sum(" … " in line for line in lines) >= 5


@pytest.fixture(scope="module")
def parity() -> ParityReport:
    random = np.random.default_rng(2)

    def accuracy(factor: float) -> dict[str, float]:
        return {figure.name: factor * random.random() for figure in ACCURACY}

    images = tuple(
        ImageParity(
            f"portrait-{index:05}",
            {one.name: 0.01 * random.random() for one in DIFFERENCES},
            (accuracy(0.02), accuracy(0.021)),
            np.zeros(511, np.int64),
        )
        for index in range(12)
    )
    values = np.array([[image.differences[one.name] for one in DIFFERENCES] for image in images])
    differences = dict(zip((one.name for one in DIFFERENCES), summarise(values), strict=True))
    first = Candidate("mmnet-1.0", "checkpoint", "mmnet-1.0", 256, b"")
    second = Candidate(LONG_NAME[:40], "tflite", "mine", 256, b"")
    found = Parity(first, second, images, differences, changes(images))
    data = {"folder": "portraits", "split": "test", "images": 12, "sha256": "0" * 64}
    checks = judge(found, tolerances("int8", {}))
    unlayered = "The layers were not compared."
    return ParityReport(found, checks, False, data, None, choose_resize("runtime"), Fit.AUTO, unlayered, 0)


@pytest.mark.parametrize("width", WIDTHS)
def test_parity(parity: ParityReport, width: int) -> None:
    lines = shown(width, lambda console: _show_report(console, parity))
    cells = [cell for head, rows in (limit_rows(parity), accuracy_rows(parity)) for row in rows for cell in row]
    assert_whole(lines, cells, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_compare(parity: ParityReport, width: int) -> None:
    comparison = ModelComparison(parity.comparison, ())
    lines = shown(width, lambda console: show_comparison(console, comparison))
    tables = (difference_rows(parity.parity), change_rows(parity.parity))
    cells = [cell for _, rows in tables for row in rows for cell in row]
    assert_whole(lines, cells, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_sensitivity(width: int) -> None:
    layers = tuple(
        LayerSensitivity(f"enc_{index}/branch_{index % 4}/project_and_merge", "DEPTHWISE_CONV_2D", 0.00123, 0.04567)
        for index in range(24)
    )
    report = SimpleNamespace(
        sensitivity=Sensitivity(0.01234, 0.00011, layers),
        proposal=Proposal(0.003, (layers[0].name,), 0.00299),
        images=32,
        conclusion=lambda: "1 of 24 layers in float give 0.00299",
    )
    lines = shown(width, lambda console: _print(console, report, 20))  # type: ignore[arg-type]
    expected = [text for layer in layers[:20] for text in (layer.name, layer.kind, "0.00123", "0.04567", "−0.03333")]
    assert_whole(lines, expected, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_profile(width: int) -> None:
    kernels = ["Depth To Space (NHWC, X8) Transpose", "Fully Connected (NC, QS8, QC8W) GEMM", "Copy (NC, X8)"]
    layers = ["enc_block0/branch0/depthwise_conv_stride", "dec_block2/merge/pointwise_conv", LONG_NAME]
    operators = tuple(
        OperatorProfile(layer, "DEPTHWISE_CONV_2D", kernel, 12345 - index, 12345.5, 166_664_000, 1 << 24, 0.5678)
        for index, (kernel, layer) in enumerate(zip(kernels, layers, strict=True))
    )
    peak = Peak("int8", 1, 207e9, 105e9)
    profile = ModelProfile(LONG_NAME, operators, 4605, 100, peak, {})
    lines = shown(width, lambda console: show_profile(console, profile, 2))
    figures = ["12.345", "33.3%", "166.66", "16384", "57%", "207 G multiply-adds/s, 105 GB/s", "and 1 more"]
    assert_whole(lines, [*kernels, *layers[:2], *figures, "4.605 ms"], width)
    assert sum("12.343" in line for line in lines) == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_arm_parity(width: int) -> None:
    comparison = [ArrayComparison(stage, "a", "b", 10_000, 12, 0.00392) for stage in STAGES]
    images = (ImageComparison("a.png", tuple(comparison)),)
    outcomes = [Outcome(PROCESSORS[name], {"features": ["asimddp"]}, images) for name in PROCESSORS]

    def show(console: Console) -> None:
        for table in arm_tables(outcomes, Tolerance(0.0, "int8"), console.width):
            console.print(table)

    lines = shown(width, show)
    assert_whole(lines, ["0.12% differ, by ≤ 0.0039", "int8 dot product (SDOT)", *PROCESSORS], width)
    assert sum(line.count("by ≤ 0.0039") for line in lines) == len(STAGES) * len(PROCESSORS)


@pytest.mark.parametrize("width", WIDTHS)
def test_data_check(width: int) -> None:
    folder = Path("/data/portraits")
    summaries = tuple(
        SourceSummary(folder / name, "image/ and mask/", use, 34_427, 1_721, (600, 800), (4000, 6000), 0.4)
        for name, use in (("train-with-a-long-name-of-its-own", "training"), ("test", "held out"))
    )
    report = DataReport(summaries, (Finding("duplicate", Path("a.png")),))
    lines = shown(width, lambda console: show_report(report, console))
    assert_whole(lines, ["34,427", "1,721", "600×800", "4000×6000", "40%", str(summaries[0].root), "held out"], width)


@pytest.fixture(scope="module")
def inspected() -> ModelReport:
    return inspect_model(next((ROOT / "runtime" / "models").glob("*.tflite")))


@pytest.mark.parametrize("width", WIDTHS)
def test_inspect(inspected: ModelReport, width: int) -> None:
    lines = shown(width, lambda console: console.print(_page(inspected, console.width, whole=False)))
    assert len(lines) < 60
    assert inspected.metadata is not None
    tensors = [*inspected.inputs, *inspected.outputs]
    texts = ["×".join(map(str, tensor.shape)) for tensor in tensors] + [f"{tensor.scale:.6g}" for tensor in tensors]
    texts += [f"{inspected.parameters:,}", f"{inspected.multiply_adds / 1e6:,.1f} M"]
    texts.append(f"step {inspected.metadata.recipe['checkpoint']['step']}")
    for text in texts:
        assert any(text in line for line in lines), text
    assert max(map(len, lines)) <= width
    assert "--recipe shows the whole recipe" in lines[-1]


@pytest.mark.parametrize("width", WIDTHS)
def test_inspect_recipe(inspected: ModelReport, width: int) -> None:
    """All names and values of the recipe are there; only texts that are wider than the terminal are folded."""
    lines = shown(width, lambda console: console.print(_page(inspected, console.width, whole=True)))
    squeezed = re.sub(r"\s", "", "".join(lines))
    assert inspected.metadata is not None
    for name, value in flat_recipe(inspected.metadata.recipe).items():
        assert re.sub(r"\s", "", name) in squeezed
        assert re.sub(r"\s", "", value) in squeezed
    name, version = "versions.flatbuffers", inspected.metadata.recipe["versions"]["flatbuffers"]
    assert any(name in line for line in lines)
    assert any(version in line for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("description", "note"),
    [
        ("training", "loss 0.1234, 1234.5 images/s"),
        ("matting on 64", "123456 matted, 1234 failed, 100000 skipped, 1234.5 images/s"),
        ("a-video-with-a-rather-long-name.mp4", ""),
    ],
)
def test_progress(width: int, description: str, note: str) -> None:
    """A progress bar cuts no figure; where there is no room for the bar itself, it is left out."""
    terminal = Console(width=width, force_terminal=True, file=io.StringIO())
    progress = progress_bar(terminal, wrapped_text("{task.fields[note]}"))
    progress.add_task(description, total=304_500, completed=123_456, note=note)
    lines = shown(width, lambda console: console.print(progress.get_renderable()))
    assert max(map(len, lines)) <= width
    for word in ("123456/304500", *re.findall(r"[\d.]+", note)):
        assert any(word in line for line in lines), word
    assert not any("…" in line for line in lines)


def test_a_wide_terminal_has_a_table_of_rows(measurement: dict[str, Any]) -> None:
    table = LatencyTable.of(measurement)
    lines = shown(400, lambda console: show_latency(console, table))
    assert lines[1].split()[:3] == ["ms", "threads", "delegated"]
    assert len([line for line in lines if line.startswith(table.rows[0][0])]) == 2


@pytest.mark.parametrize("width", [16, 20, 30, 45])
def test_what_is_wider_than_the_terminal_is_folded(width: int) -> None:
    head, rows = ["name", "figure", "other"], [["a-name-of-some-length", "0.123456[0.1,0.2]", "1"], ["b", "", "–"]]
    values = {"a-name-of-words": "value", "b": "a-value-without-any-space-in-it"}
    tables = [rows_table(head, rows, width), facts(values, width)]
    (column,) = column_tables(["a-model-of-some-length"], [("label", ["0.12345\n0.1–0.2"])], width)

    def squeezed(*tables: RenderableType) -> str:
        return re.sub(r"\s", "", "".join(shown(width, lambda console: [console.print(one) for one in tables])))

    for text in ("a-name-of-some-length", "0.123456[0.1,0.2]", *values, *values.values()):
        assert text in squeezed(*tables)
    for text in ("0.12345", "0.1–0.2"):
        assert text in squeezed(column)


def test_no_line_of_a_table_that_goes_into_a_pipe_ends_in_spaces() -> None:
    for more in ([], ["--recipe"]):
        shown = run("mmnet", "inspect", next((ROOT / "runtime" / "models").glob("*.tflite")), *more).stdout
        assert not re.search(r" +$", shown, re.MULTILINE)
    assert len(shown) < 40_000
