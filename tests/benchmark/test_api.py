"""`mmnet.measure_latency` and `mmnet.plot_latency`: the Python API of the benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mmnet
from mmnet.benchmark.document import FORMAT
from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.host.stages import StagedMatter, camera_frame, drawn_alpha
from mmnet.runtime import Fit, PortraitMatter
from mmnet.runtime.fullres.upsampling import upsample
from mmnet.runtime.imaging.preprocess import to_model_input
from mmnet.runtime.imaging.presence import Presence
from mmnet.runtime.video.stream import Matte


@pytest.fixture(scope="module")
def report(tiny_files: Path) -> mmnet.LatencyReport:
    models: list[Path | bytes] = [tiny_files / "float.tflite", (tiny_files / "uint8.tflite").read_bytes()]
    return mmnet.measure_latency(models, threads=(1, 2), runs=3, warmup_runs=0, frame=(48, 64))


def test_the_report_prints_as_a_table(report: mmnet.LatencyReport) -> None:
    lines = str(report).splitlines()
    assert [line.split()[0] for line in lines[1:6]] == ["ms", "float", "float", "model", "model"]
    assert len({len(line) for line in lines[1:6]}) == 1
    assert "ratio: of invoke to float" in str(report)
    assert repr(report).startswith("<LatencyReport of float, model on ")


def test_figures_are_those_of_the_document(report: mmnet.LatencyReport) -> None:
    document = report.document()
    assert (document["format"], report.models, report.baseline) == (FORMAT, ["float", "model"], "float")
    by_case = {(result["name"], result["threads"]): result for result in document["measurements"][0]["results"]}
    assert report.latency("model", threads=2, stage="total").median_ms == pytest.approx(
        by_case["model", 2]["stages"]["total"]["median_ms"]
    )
    rounds = [np.array(by_case[name, 2]["rounds_ms"]["invoke"]) for name in ("model", "float")]
    assert report.ratio("model", threads=2).median == pytest.approx(np.median(rounds[0] / rounds[1]), rel=1e-3)


def test_what_was_not_measured_is_refused(report: mmnet.LatencyReport) -> None:
    with pytest.raises(BenchmarkError, match="was not measured; measured are 'float' on 1"):
        report.latency("float", threads=3)
    with pytest.raises(BenchmarkError, match="choose one of preprocess"):
        report.latency("float", stage="composite")
    with pytest.raises(BenchmarkError, match="was not compared with 'float'"):
        report.ratio("float")


def test_a_report_is_saved_and_merged(report: mmnet.LatencyReport, tmp_path: Path) -> None:
    path = tmp_path / "latency.json"
    report.save_json(path)
    report.save_json(path, merge=True)
    assert json.loads(path.read_text())["measurements"] == [report.measurement, report.measurement]
    with pytest.raises(mmnet.MMNetError, match="exists already"):
        report.save_json(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"threads": 0}, "numbers in 1-64"),
        ({"threads": ()}, "numbers in 1-64"),
        ({"runs": 0}, "at least 1 run"),
        ({"delegate": "tpu"}, "choose one of xnnpack, none"),
        ({"frame": (0, 7)}, "height and width"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, object], words: str, tiny_files: Path) -> None:
    with pytest.raises(BenchmarkError, match=words):
        mmnet.measure_latency(tiny_files / "float.tflite", **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [{"affinity": "f0"}, {"folder": "/"}, {"delegate": "gpu"}, {"rounds": 0}])
def test_arguments_for_a_phone_are_checked_before_it_is_looked_for(arguments: dict[str, object]) -> None:
    with pytest.raises(BenchmarkError, match=r"affinity|folder|choose one of xnnpack|rounds"):
        mmnet.measure_latency_on_phone(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["float", "uint8"])
def test_the_runtimes_own_steps_are_timed(name: str, tiny_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A timed run is one call of `PortraitMatter.photo`, with the drawn alpha in place of the model's."""
    mattes = []
    photo = PortraitMatter.photo

    def noted(self: PortraitMatter, image: object) -> object:
        mattes.append(photo(self, image))  # type: ignore[arg-type]
        return mattes[-1]

    monkeypatch.setattr(PortraitMatter, "photo", noted)
    frame = camera_frame(96, 128)
    times = StagedMatter((tiny_files / f"{name}.tflite").read_bytes(), 1).time_stages(frame, frame[::-1].copy())
    assert len(times) == 4
    assert min(times) > 0
    (matte,) = mattes
    expected = upsample(drawn_alpha(64), frame, model_input=to_model_input(frame, 64))
    assert matte.alpha.tobytes() == Matte(frame, expected, 0, Presence(0.5, 1.0), ()).alpha.tobytes()


def test_auto_measures_two_passes(tiny_files: Path) -> None:
    content, photo = (tiny_files / "uint8.tflite").read_bytes(), camera_frame(96, 128)
    once, twice = StagedMatter(content, 1), StagedMatter(content, 1, fit=Fit.AUTO)
    for matter, passes in ((once, 1), (twice, 2)):
        for _ in range(2):
            assert all(spent > 0 for spent in matter.time_stages(photo))
            assert len(matter._model.invoked_ns) == passes
    report = mmnet.measure_latency(content, runs=2, warmup_runs=0, frame=(48, 64), fit="auto")
    assert report.measurement["settings"]["fit"] == "auto"
