"""The parsers of what a phone's own tools print. `recordings/README.md` says where each format is from."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from mmnet.benchmark.android.benchmark_model import parse
from mmnet.benchmark.android.demo_app import start_failure
from mmnet.benchmark.android.device_state import DeviceState, parse_battery, parse_thermal, throttling_reason
from mmnet.benchmark.android.measurement import partial_delegation
from mmnet.benchmark.android.phone import Reply, free_kib
from mmnet.benchmark.android.tool import Delegated
from mmnet.benchmark.errors import DeviceError

RECORDINGS = Path(__file__).parent / "recordings"


def recorded(name: str) -> str:
    return (RECORDINGS / name).read_text()


def test_benchmark_model() -> None:
    output = parse(recorded("benchmark_model.txt"), 0, "SERIAL", "mmnet")
    assert (output.load_ms, output.first_run_ms) == (8.412, 21.875)
    assert output.warmup is not None
    assert (output.warmup.runs, output.warmup.median_ms, output.warmup.mean_ms) == (3, 17.049, 18.642)
    invoke = output.stages["invoke"]
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
    assert output.warmup is not None
    assert (output.warmup.runs, output.warmup.min_ms, output.warmup.max_ms) == (1, 31.402, 31.402)
    invoke = output.stages["invoke"]
    assert (invoke.runs, invoke.min_ms, invoke.max_ms) == (20, 29.961, 33.208)
    assert (invoke.median_ms, invoke.p95_ms) == (None, None)
    assert invoke.mean_ms == pytest.approx(30.4025)
    assert output.peak_memory_bytes == int(12.5 * 2**20)


def test_benchmark_model_on_the_gpu() -> None:
    """Half its lines have a prefix; a mean may stand as 1.02311e+06; what compiles shaders starts slowly."""
    output = parse(recorded("benchmark_model_gpu.txt"), 0, "SERIAL", "mmnet")
    assert (output.load_ms, output.first_run_ms) == (612.034, 1023.11)
    assert output.warmup is not None
    assert (output.warmup.runs, output.warmup.max_ms) == (3, 1023.11)
    invoke = output.stages["invoke"]
    assert (invoke.runs, invoke.min_ms, invoke.max_ms) == (20, 9.015, 9.42)


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("benchmark_model_2019.txt", 0, "is from before 2020"),
        ("benchmark_model_litert.txt", 0, "is LiteRT's newer tool of that name"),
        ("benchmark_model_unknown_flag.txt", 0, r"lacks an option \(Unconsumed cmdline flags: --warmup_min_secs=0\)"),
        ("benchmark_model_unknown_flag.txt", 1, "lacks an option"),
    ],
)
def test_another_tool_is_named(name: str, code: int, message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        parse(recorded(name), code, "SERIAL", "mmnet")


def test_a_delegate_that_runs_nothing_is_refused() -> None:
    with pytest.raises(DeviceError, match="NNAPI delegate does not run mmnet"):
        parse(recorded("benchmark_model_refused.txt"), 0, "SERIAL", "mmnet")


def test_a_whole_delegation() -> None:
    for name in ("benchmark_model.txt", "benchmark_model_gpu.txt"):
        assert parse(recorded(name), 0, "SERIAL", "mmnet").delegated == Delegated(whole=True)


def test_a_partial_delegation() -> None:
    delegated = parse(recorded("benchmark_model_gpu_part.txt"), 0, "SERIAL", "mmnet").delegated
    assert delegated == Delegated(False, 3, 118, 3, ("QUANTIZE", "RESIZE_BILINEAR"))
    assert str(delegated) == "118 of 121"
    assert delegated.described == (
        "3 delegate kernels, 118 operators, the remaining 3 run on the CPU: QUANTIZE, RESIZE_BILINEAR"
    )


@pytest.mark.parametrize(
    ("lines", "delegated", "shown"),
    [
        (
            "INFO: Explicitly applied GPU delegate, and the model graph will be partially executed by the delegate "
            "w/ 1 delegate kernels.",
            Delegated(False, 1),
            "part, 1 kernels",
        ),
        (
            "VERBOSE: Replacing 119 out of 121 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 3 "
            "partitions for subgraph 0.\nINFO: Explicitly applied XNNPACK delegate, and the model graph will be "
            "partially executed by the delegate w/ 1 delegate kernels.",
            Delegated(False, 1, 119, 2),
            "119 of 121",
        ),
        (
            "ERROR: Following operations are not supported by GPU delegate:\r\nINFO: QUANTIZE: \r\n1 operations will "
            "run on the GPU, and the remaining 3 operations will run on the CPU.",
            Delegated(False, None, 1, 3, ("QUANTIZE",)),
            "1 of 4",
        ),
        ("INFO: XNNPACK delegate created.", None, None),
    ],
)
def test_forms_of_the_delegation(lines: str, delegated: Delegated | None, shown: str | None) -> None:
    text = recorded("benchmark_model.txt").replace(
        "INFO: Explicitly applied XNNPACK delegate, and the model graph will be completely executed by the delegate.",
        lines,
    )
    found = parse(text, 0, "SERIAL", "mmnet").delegated
    assert found == delegated
    assert found is None or str(found) == shown


def test_a_model_that_an_accelerator_runs_only_in_part_is_doubtful() -> None:
    delegated = parse(recorded("benchmark_model_gpu_part.txt"), 0, "SERIAL", "mmnet").delegated
    assert delegated is not None
    results = [
        {"name": "mmnet", "threads": 1, "delegated": json.loads(json.dumps(asdict(delegated)))},
        {"name": "mmnet", "threads": 2, "delegated": asdict(delegated)},
        {"name": "whole", "threads": 1, "delegated": asdict(Delegated(whole=True))},
        {"name": "unknown", "threads": 1, "delegated": None},
    ]
    assert partial_delegation(results, "gpu") == [
        "mmnet: gpu runs only a part of it (3 delegate kernels, 118 operators, the remaining 3 run on the CPU: "
        "QUANTIZE, RESIZE_BILINEAR); its times are not those of gpu alone"
    ]
    assert partial_delegation(results, "xnnpack") == []


def test_a_cut_output_is_no_result() -> None:
    text = recorded("benchmark_model.txt")
    end = text.index("INFO: Note")
    for keep in range(end):
        with pytest.raises(DeviceError, match="SERIAL"):
            parse(text[:keep], 0, "SERIAL", "mmnet")
    assert parse(text[:end], 0, "SERIAL", "mmnet").peak_memory_bytes is None


def test_the_reason_of_a_failure_is_in_the_message() -> None:
    text = "INFO: STARTING!\nERROR: Could not open '/x/model.tflite'.\nERROR: Failed to load model /x/model.tflite\n"
    with pytest.raises(DeviceError, match="Could not open"):
        parse(text, 1, "SERIAL", "mmnet")


@pytest.mark.parametrize(
    "line",
    [
        "/system/bin/sh: /x/benchmark_model: not executable: 64-bit ELF file",
        'CANNOT LINK EXECUTABLE "/x/benchmark_model": library "libc++_shared.so" not found: needed by main executable',
        "/system/bin/sh: /x/benchmark_model: can't execute: Permission denied",
    ],
)
def test_a_program_that_cannot_run_says_why(line: str) -> None:
    with pytest.raises(DeviceError) as caught:
        parse(line + "\n", 126, "SERIAL", "mmnet")
    assert str(caught.value) == f"SERIAL: benchmark_model failed on mmnet (exit code 126): {line}"


def test_thermal_state_is_the_hardwares_current_one() -> None:
    status, temperatures = parse_thermal(recorded("thermalservice.txt"))
    assert status == 0
    assert temperatures == {"cpu0": 48.25, "skin": 34.125, "battery": 29.5}


def test_other_quantities_are_not_taken_for_temperatures() -> None:
    """Voltages, currents and charges have the same form; so have sensors that report nothing."""
    status, temperatures = parse_thermal(recorded("thermalservice_tensor.txt"))
    assert status == 1
    assert temperatures == {
        "USB-MINUS-SKIN": -0.125,
        "VIRTUAL-USB": 9.765625e-4,
        "TPU": 38.000004,
        "BIG": 72.5,
        "VIRTUAL-SKIN": 39.062,
        "battery": 30.1,
    }


def test_a_status_that_is_never_set_is_none() -> None:
    text = recorded("thermalservice_hal_not_ready.txt")
    assert parse_thermal(text) == (None, None)
    # What was set by hand (`cmd thermalservice override-status 2`) counts.
    assert parse_thermal(text.replace("Status: 0", "Status: 2")) == (2, None)
    # Version 1.0 of the HAL reports temperatures on request, and never reports a status.
    status, temperatures = parse_thermal(recorded("thermalservice.txt").replace("ThermalHAL 2.0", "ThermalHAL 1.0"))
    assert (status, temperatures and temperatures["skin"]) == (None, 34.125)


def test_no_thermal_service() -> None:
    assert parse_thermal(recorded("thermalservice_absent.txt")) == (None, None)
    assert parse_thermal("") == (None, None)


def test_battery() -> None:
    assert parse_battery(recorded("battery.txt")) == (87, 29.5, True)
    assert parse_battery(recorded("battery_hyperos.txt")) == (61, 31.8, False)
    assert parse_battery(recorded("battery_samsung.txt")) == (74, 28.7, True)
    assert parse_battery("Can't find service: battery") == (None, None, None)


def test_free_space() -> None:
    assert free_kib(recorded("df_toybox.txt")) == 215446564
    # Gigabytes without their unit would be taken for KiB.
    assert free_kib("WARNING: linker: unused DT entry\n" + recorded("df_toybox.txt")) == 215446564
    assert free_kib(recorded("df_toolbox.txt")) is None
    assert free_kib("df: /nowhere: No such file or directory\n") is None
    head = "Filesystem                        1K-blocks   Used Available Use% Mounted on\n"
    assert (
        free_kib(head + "/dev/block/by-name/very-long-name-of-it\n  117440512 1000 117439512  1% /data\n") == 117439512
    )


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        (
            "am_no_activity.txt",
            0,
            "Error: Activity class {ai.mmnet.demo/ai.mmnet.demo.BenchmarkActivity} does not exist.",
        ),
        (
            "am_no_activity.txt",
            1,
            "Error: Activity class {ai.mmnet.demo/ai.mmnet.demo.BenchmarkActivity} does not exist.",
        ),
        ("am_not_exported.txt", 0, "java.lang.SecurityException: Permission Denial: starting Intent"),
        ("am_not_exported_12.txt", 255, "java.lang.SecurityException: Permission Denial: starting Intent"),
    ],
)
def test_why_the_demo_app_does_not_start(name: str, code: int, reason: str) -> None:
    failure = start_failure(Reply(code, recorded(name)))
    assert failure is not None
    assert failure.startswith(reason)
    assert "\n" not in failure


def test_the_demo_app_starts() -> None:
    assert start_failure(Reply(0, recorded("am_started.txt"))) is None
    assert start_failure(Reply(137, "")) == "exit code 137"


def test_throttling() -> None:
    cool = DeviceState(thermal_status=0, frequency_caps=[1800000, 2800000])
    assert throttling_reason(cool, cool) is None
    assert "moderate" in str(throttling_reason(cool, DeviceState(thermal_status=2)))
    assert "light" in str(throttling_reason(DeviceState(thermal_status=1), cool))
    capped = DeviceState(thermal_status=0, frequency_caps=[1800000, 2100000])
    assert "capped" in str(throttling_reason(cool, capped))
    assert throttling_reason(DeviceState(), DeviceState()) is None
