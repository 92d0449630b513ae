"""`mmnet profile` and `mmnet.profile_model`: the time of every operator. No test says how long anything may take."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from support import error_line, run

import mmnet
from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.profile.litert import Events, ProfileError, run_profiler
from mmnet.benchmark.profile.operators import match_operators, profile_operators
from mmnet.benchmark.profile.peak import Peak, measure_peak
from mmnet.runtime.errors import ModelError
from mmnet.runtime.model import default_model
from mmnet.runtime.tflite.contents import read_graph
from mmnet.runtime.tflite.inspection import inspect_model

PEAK = Peak("int8", 1, 1e11, 1e11)
_CONVOLUTION, _DEPTHWISE, _COPY = "Fully Connected (NC, QS8, QC8W) GEMM", "Convolution (NHWC, QC8) DWConv", "Copy (NC)"


@pytest.fixture(scope="module")
def profile() -> mmnet.ModelProfile:
    return mmnet.profile_model(runs=3)


class TestTheModelThatShips:
    def test_every_operator_has_its_layer(self, profile: mmnet.ModelProfile) -> None:
        graph = read_graph(default_model())
        ran = [(one.operator, one.kernel) for one in profile.operators]
        # XNNPACK joins the DEQUANTIZE and the QUANTIZE at each end.
        ends = ("DEQUANTIZE", "QUANTIZE")
        assert [name for name, _ in ran if name not in ends] == [
            one.name for one in graph.operators if one.name not in ends
        ]
        assert sum(name in ends for name, _ in ran) == 2
        assert {kernel.split()[-1] for name, kernel in ran if name == "DEPTHWISE_CONV_2D"} == {"DWConv"}
        assert all(one.layer for one in profile.operators)
        # What has no name in XNNPACK is not called invalid.
        assert {kernel for name, kernel in ran if name in ends} == {"Convert (integers)"}

    def test_work_and_kernels_add_up(self, profile: mmnet.ModelProfile) -> None:
        total = sum(one.multiply_adds for one in profile.operators)
        assert total == inspect_model(default_model()).multiply_adds
        assert total == sum(kernel.multiply_adds for kernel in profile.kernels)
        assert profile.microseconds == sum(kernel.microseconds for kernel in profile.kernels)
        times = [kernel.microseconds for kernel in profile.kernels]
        assert times == sorted(times, reverse=True)
        for one in profile.operators:
            assert one.microseconds <= one.median_microseconds
            assert (one.utilisation is None) == (one.microseconds == 0 or one.operator == "RESHAPE")

    def test_text_and_document(self, profile: mmnet.ModelProfile, tmp_path: Path) -> None:
        assert repr(profile).startswith("<ModelProfile of shipped: ")
        assert "enc_block0" in str(profile)
        profile.save_json(tmp_path / "profile.json")
        document = json.loads((tmp_path / "profile.json").read_text())
        assert document == profile.document()
        assert document["format"] == "mmnet-profile/1"
        assert len(document["operators"]) == len(profile.operators)


class TestMatching:
    """XNNPACK reports the names of kernels, in the order of the graph."""

    def test_operators_that_it_joined_are_skipped(self) -> None:
        graph = read_graph(default_model())
        convolution = next(index for index, one in enumerate(graph.operators) if one.name == "CONV_2D")
        events = Events(["Convert (NC)", _CONVOLUTION], [None, None], [[1], [1]], [2])
        found = match_operators(graph, events)
        assert [one and one.name for one in found] == ["DEQUANTIZE", "CONV_2D"]
        assert found[1] is graph.operators[convolution]

    def test_unknown_kernels_have_no_operator(self) -> None:
        graph = read_graph(default_model())
        events = Events([_DEPTHWISE, "Nobody Knows", _COPY], [None] * 3, [[2], [3], [4]], [9])
        first, second, third = profile_operators(graph, events, PEAK)
        assert (second.layer, second.operator, second.multiply_adds, second.utilisation) == ("", "", 0, None)
        assert first.operator in ("CONV_2D", "DEPTHWISE_CONV_2D")
        assert third.operator in ("CONCATENATION", "SPLIT", "RESHAPE")

    def test_built_in_kernels_name_their_operator(self) -> None:
        graph = read_graph(default_model())
        events = Events(["RESHAPE", _CONVOLUTION], [2, None], [[2], [3]], [9])
        assert match_operators(graph, events)[0] is graph.operators[2]

    def test_utilisation_is_that_of_the_scarcer_thing(self) -> None:
        graph = read_graph(default_model())
        events = Events([_CONVOLUTION], [None], [[100, 50]], [100])
        (one,) = profile_operators(graph, events, PEAK)
        assert one.utilisation == pytest.approx(max(one.multiply_adds, one.bytes_moved) / 1e11 / 50e-6)
        assert (one.microseconds, one.median_microseconds) == (50, 75)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["float", "uint8"])
def test_other_models_on_two_threads(tiny_files: Path, name: str) -> None:
    profile = mmnet.profile_model(tiny_files / f"{name}.tflite", threads=2, runs=2)
    assert (profile.name, profile.runs, profile.peak.threads) == (name, 2, 2)
    assert profile.peak.dtype == ("float32" if name == "float" else "int8")
    assert sum(one.operator == "DEPTHWISE_CONV_2D" for one in profile.operators) == 2


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_a_peak_is_more_than_nothing(dtype: str) -> None:
    peak = measure_peak(dtype, 1)
    assert peak.multiply_adds > 1e8
    assert peak.bytes_moved > 1e8


@pytest.mark.parametrize(("arguments", "error"), [({"threads": 0}, BenchmarkError), ({"runs": 0}, BenchmarkError)])
def test_arguments_are_checked(arguments: dict[str, int], error: type[Exception]) -> None:
    with pytest.raises(error, match="at least 1"):
        mmnet.profile_model(**arguments)  # type: ignore[arg-type]


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model"):
        mmnet.profile_model(tmp_path / "absent.tflite")
    with pytest.raises(ModelError):
        mmnet.profile_model(b"no model")


def test_a_profiler_that_cannot_be_used_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ProfileError, match=r"the profiler of ai-edge-litert .* cannot be used"):
        run_profiler(default_model(), 1, 1)


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    done = run("mmnet", "profile", "--runs", 2, "--top", 3, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "shipped"
    assert "more: --top, --json" in done.stderr
    path = tmp_path / "profile.json"
    path.write_text("mine")
    done = run("mmnet", "profile", "--json", path)
    assert (done.returncode, path.read_text()) == (1, "mine")
    assert "exists" in error_line(done)
