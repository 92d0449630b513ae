"""What the phone's own tools print, read. `recordings/README.md` says where each format is from."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmnet.benchmark.benchmark_model import parse
from mmnet.benchmark.condition import Condition, parse_battery, parse_thermal, throttled
from mmnet.benchmark.errors import DeviceError

RECORDINGS = Path(__file__).parent / "recordings"


def recorded(name: str) -> str:
    return (RECORDINGS / name).read_text()


def test_benchmark_model() -> None:
    output = parse(recorded("benchmark_model.txt"), 0, "SERIAL", "mmnet")
    assert (output.load_ms, output.first_run_ms) == (8.412, 21.875)
    assert (output.warmup.runs, output.warmup.median_ms, output.warmup.mean_ms) == (3, 17.049, 18.642)
    invoke = output.invoke
    assert (invoke.runs, invoke.min_ms, invoke.median_ms, invoke.p95_ms, invoke.max_ms) == (
        20,
        16.802,
        16.907,
        17.391,
        18.133,
    )
    assert invoke.mean_ms == pytest.approx(16.9954)
    assert output.peak_memory_bytes == int(9.5 * 2**20)


def test_benchmark_model_before_percentiles() -> None:
    output = parse(recorded("benchmark_model_2020.txt"), 0, "SERIAL", "mmnet")
    assert (output.warmup.runs, output.warmup.min_ms, output.warmup.max_ms) == (1, 31.402, 31.402)
    assert (output.invoke.runs, output.invoke.min_ms, output.invoke.max_ms) == (20, 29.961, 33.208)
    assert (output.invoke.median_ms, output.invoke.p95_ms) == (None, None)
    assert output.invoke.mean_ms == pytest.approx(30.4025)
    assert output.peak_memory_bytes == int(12.5 * 2**20)


def test_a_delegate_that_runs_nothing_is_refused() -> None:
    with pytest.raises(DeviceError, match="NNAPI delegate does not run mmnet"):
        parse(recorded("benchmark_model_refused.txt"), 0, "SERIAL", "mmnet")


def test_a_cut_output_is_no_result() -> None:
    text = recorded("benchmark_model.txt")
    end = text.index("INFO: Note")
    for keep in range(end):
        with pytest.raises(DeviceError, match="SERIAL"):
            parse(text[:keep], 0, "SERIAL", "mmnet")
    assert parse(text[:end], 0, "SERIAL", "mmnet").peak_memory_bytes is None


def test_the_reason_of_a_failure_is_told() -> None:
    text = "INFO: STARTING!\nERROR: Could not open '/x/model.tflite'.\nERROR: Failed to load model /x/model.tflite\n"
    with pytest.raises(DeviceError, match="Could not open"):
        parse(text, 1, "SERIAL", "mmnet")


def test_thermal_state_is_the_hardwares_current_one() -> None:
    status, temperatures = parse_thermal(recorded("thermalservice.txt"))
    assert status == 0
    assert temperatures == {"cpu0": 48.25, "skin": 34.125, "battery": 29.5}


def test_no_thermal_service() -> None:
    assert parse_thermal(recorded("thermalservice_absent.txt")) == (None, None)
    assert parse_thermal("") == (None, None)


def test_battery() -> None:
    assert parse_battery(recorded("battery.txt")) == (87, 29.5, True)
    assert parse_battery("Can't find service: battery") == (None, None, None)


def test_throttling() -> None:
    cool = Condition(thermal_status=0, frequency_caps=[1800000, 2800000])
    assert throttled(cool, cool) is None
    assert "moderate" in throttled(cool, Condition(thermal_status=2))
    assert "light" in throttled(Condition(thermal_status=1), cool)
    assert "capped" in throttled(cool, Condition(thermal_status=0, frequency_caps=[1800000, 2100000]))
    assert throttled(Condition(), Condition()) is None
