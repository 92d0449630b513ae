"""`mmnet benchmark --device` against a real adbd, end to end; the model really runs behind it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adb_device import SERIAL, STORAGE_KIB, Device, running_device
from support import error_line

pytest.importorskip("adbutils", reason="ADBUTILS IS NOT INSTALLED: nothing over adb was tested")

HERE = Path(__file__).parent
RECORDINGS = HERE / "recordings"
PROPERTIES = {
    "ro.product.cpu.abilist": "x86_64,x86",
    "ro.product.manufacturer": "Debian",
    "ro.product.model": "Trixie",
    "ro.soc.model": "Host",
    "ro.build.version.release": "16",
    "ro.build.fingerprint": "debian/trixie/host",
}


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    with running_device(tmp_path_factory.mktemp("device")) as device:
        yield device


@pytest.fixture
def device(booted: Device) -> Iterator[Device]:
    """The device, cool and with its battery charged; and clean when the test is over."""
    for name, value in PROPERTIES.items():
        booted.say(f"getprop {name}", value)
    booted.say("getprop", "")
    for service in ("thermalservice", "battery"):
        booted.say(f"dumpsys {service}", (RECORDINGS / f"{service}.txt").read_text())
    booted.say("settings", "0\n")
    yield booted
    for path in booted.state.iterdir():
        path.unlink()
    assert booted.files() == []


def script(path: Path, *before: str) -> Path:
    """A `benchmark_model` that first does something else."""
    lines = ["#!/bin/sh", *before, f'exec {sys.executable} -P {HERE / "stand_in.py"} "$@"']
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    return script(tmp_path / "benchmark_model", f'echo "$(taskset -p $$) $*" >> {tmp_path / "started"}')


def options(phone: Device, tool: Path, **more: object) -> list[object]:
    given: dict[str, object] = {
        "device": "any",
        "benchmark_binary": tool,
        "device_dir": f"{phone.storage}/work",
        "runs": 6,
        "rounds": 3,
        "cool_down": 0,
        "patience": 60,
        **more,
    }
    return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]


def measured(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["measurements"]
    return found


def test_models_take_turns_on_the_device(device: Device, tool: Path, tiny_files: Path) -> None:
    models = [tiny_files / "float.tflite", tiny_files / "uint8.tflite"]
    found = measured(
        device.mmnet("benchmark", *models, *options(device, tool, affinity="1", threads="1,2", rounds=2), "--json", "-")
    )
    assert [(result["name"], result["threads"]) for result in found["results"]] == [
        ("float", 1),
        ("float", 2),
        ("uint8", 1),
        ("uint8", 2),
    ]
    for result in found["results"]:
        invoke, rounds = result["stages"]["invoke"], result["rounds_ms"]["invoke"]
        assert (invoke["runs"], len(rounds)) == (6, 2)
        assert invoke["median_ms"] == pytest.approx(np.median(rounds))
        assert invoke["min_ms"] <= min(rounds) <= max(rounds) <= invoke["max_ms"]
        assert result["peak_memory_bytes"] == 2.25 * 2**20
        assert result["load_ms"] > 0
        assert result["discarded_rounds"] == []
        before = result["conditions"][0]["before"]
        assert (before["thermal_status"], before["temperatures"]["skin"]) == (0, 34.125)
        assert (before["battery_level"], before["charging"]) == (87, True)
    ratio = found["results"][2]["ratio"]["invoke"]
    base = np.array(found["results"][0]["rounds_ms"]["invoke"])
    assert ratio["median"] == pytest.approx(np.median(np.array(found["results"][2]["rounds_ms"]["invoke"]) / base))

    started = (tool.parent / "started").read_text().splitlines()
    assert len(started) == 8
    assert all("affinity mask: 1 " in line and "--num_runs=3 " in line for line in started)
    assert sum("--num_threads=2" in line for line in started) == 4


def test_the_phone_is_described(device: Device, tool: Path, tiny_files: Path) -> None:
    line = options(device, tool, rounds=1)
    found = measured(device.mmnet("benchmark", tiny_files / "uint8.tflite", *line, "--json", "-"))
    machine = found["machine"]
    assert (machine["kind"], machine["name"], machine["processor"]) == ("device", "Debian Trixie", "Host")
    assert (machine["android"], machine["abis"]) == ("16", "x86_64,x86")
    assert found["warnings"] == []
    assert found["settings"]["rounds"] == 1


def test_results_of_host_and_phone_lie_in_one_file(
    device: Device, tool: Path, tiny_files: Path, tmp_path: Path
) -> None:
    output = tmp_path / "latency.json"
    model = tiny_files / "uint8.tflite"
    done = device.mmnet("benchmark", model, "--runs", 1, "--json", output)
    assert done.returncode == 0, done.stderr
    done = device.mmnet("benchmark", model, *options(device, tool, rounds=1), "--json", output, "--merge")
    assert done.returncode == 0, done.stderr
    assert "Debian Trixie (Host, Android 16)" in done.stdout
    host, phone = json.loads(output.read_text())["measurements"]
    assert (host["machine"]["kind"], phone["machine"]["kind"]) == ("host", "device")
    assert host["results"][0]["sha256"] == phone["results"][0]["sha256"]


def test_without_a_thermal_service_it_says_so(device: Device, tool: Path, tiny_files: Path) -> None:
    device.say("dumpsys thermalservice", (RECORDINGS / "thermalservice_absent.txt").read_text())
    line = options(device, tool, rounds=1)
    found = measured(device.mmnet("benchmark", tiny_files / "uint8.tflite", *line, "--json", "-"))
    assert found["results"][0]["conditions"][0]["before"]["thermal_status"] is None
    assert "no thermal status" in found["warnings"][0]


def test_a_throttled_round_is_measured_again(device: Device, tmp_path: Path, tiny_files: Path) -> None:
    said = device.state / "dumpsys_thermalservice"
    # Hot after the first start; what asks for the second time finds it cool again.
    heat = f"[ -e {tmp_path}/hot ] || {{ touch {tmp_path}/hot; sed -i 's/Status: 0/Status: 2/' {said}; }}"
    cooling = said.with_suffix(".run")
    cooling.write_text(
        f"#!/bin/sh\n[ -e {tmp_path}/told ] && sed -i 's/Status: 2/Status: 0/' {said}\n"
        f"if grep -q 'Status: 2' {said}; then touch {tmp_path}/told; fi\n"
    )
    cooling.chmod(0o755)
    tool = script(tmp_path / "benchmark_model", heat)
    line = options(device, tool, rounds=2)
    found = measured(device.mmnet("benchmark", tiny_files / "uint8.tflite", *line, "--json", "-"))
    (result,) = found["results"]
    assert len(result["discarded_rounds"]) == 1
    assert "moderate" in result["discarded_rounds"][0]
    assert len(result["rounds_ms"]["invoke"]) == 2
    assert "1 rounds were throttled" in found["warnings"][-1]


def test_a_phone_that_stays_hot_is_refused(device: Device, tool: Path, tiny_files: Path) -> None:
    hot = (RECORDINGS / "thermalservice.txt").read_text().replace("Thermal Status: 0", "Thermal Status: 3")
    device.say("dumpsys thermalservice", hot)
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, tool, patience=0)))
    assert "thermal status 3, severe" in line
    assert not (tool.parent / "started").exists()


def test_no_space(device: Device, tmp_path: Path, tiny_files: Path) -> None:
    tool = script(tmp_path / "benchmark_model")
    tool.write_bytes(tool.read_bytes() + b"#" * (STORAGE_KIB * 1024 + 1))
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, tool)))
    assert "no space left" in line
    assert "KiB are needed" in line


def test_a_folder_that_cannot_be_made(device: Device, tool: Path, tiny_files: Path) -> None:
    given = options(device, tool, device_dir="/proc/nowhere/work")
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *given))
    assert "/proc/nowhere/work cannot be made" in line


def test_a_binary_for_another_processor(device: Device, tmp_path: Path, tiny_files: Path) -> None:
    tool = tmp_path / "benchmark_model"
    tool.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(44))  # 64 bits, AArch64
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, tool)))
    assert "built for arm64-v8a" in line
    assert "x86_64,x86" in line


def test_something_that_is_no_binary(device: Device, tmp_path: Path, tiny_files: Path) -> None:
    tool = tmp_path / "benchmark_model"
    tool.write_text("not a program")
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, tool)))
    assert "is no program" in line


def test_a_tool_that_fails(device: Device, tmp_path: Path, tiny_files: Path) -> None:
    tool = script(tmp_path / "benchmark_model", 'echo "ERROR: Failed to load model $1" >&2; exit 1')
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, tool)))
    assert "benchmark_model failed on uint8 (exit code 1): ERROR: Failed to load model" in line


def test_another_serial(device: Device, tool: Path, tiny_files: Path) -> None:
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, tool, device="C3")))
    assert SERIAL in line


@pytest.mark.parametrize("sign", ["INT", "KILL"])
def test_interrupted(sign: str, device: Device, tmp_path: Path, tiny_files: Path) -> None:
    """Ctrl-C, or worse, while the model runs: nothing stays on the phone."""
    tool = script(tmp_path / "benchmark_model", f"kill -{sign} $(cat {tmp_path}/mmnet); sleep 5")
    command = [str(Path(sys.executable).with_name("mmnet")), "benchmark", str(tiny_files / "uint8.tflite")]
    command += map(str, options(device, tool))
    starter = f'echo $$ > {tmp_path}/mmnet; exec "$@"'
    done = subprocess.run(
        ["nsenter", f"--target={device.process}", "--net", "sh", "-c", starter, "sh", *command],
        env=device.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr
    _await_empty(device)


def test_unplugged_half_way(tmp_path: Path, tiny_files: Path) -> None:
    """adbd goes in the middle of a measurement: one line, and what waits on the device for that cleans up."""
    with running_device(tmp_path) as device:
        device.say("getprop", "")
        tool = script(tmp_path / "benchmark_model", f"kill -KILL {device.process}; sleep 1")
        # The storage goes with the namespace that adbd was the last in; keep one more process in both.
        keeper = subprocess.Popen(["nsenter", f"--target={device.process}", "--net", "--mount", "sleep", "120"])
        try:
            time.sleep(0.5)
            line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, tool)))
            assert "the connection was lost while uint8 was measured" in line
            device.process = keeper.pid
            _await_empty(device)
        finally:
            device.process = keeper.pid
            device.adb("kill-server")
            keeper.kill()
            keeper.wait()


def _await_empty(device: Device) -> None:
    deadline = time.monotonic() + 30
    while (found := device.files()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == []


class TestDemoApp:
    """The demo app's side of the agreement, played by a script that runs the model."""

    @pytest.fixture
    def app(self, device: Device) -> Iterator[Path]:
        folder = device.storage / "files"
        device.say("pm", "package:/data/app/ai.mmnet.demo/base.apk\n")
        device.say("pidof", "4711\n")
        device.say("am", "Starting: Intent { cmp=ai.mmnet.demo/.BenchmarkActivity (has extras) }\nStatus: ok\n")
        run = device.state / "am.run"
        run.write_text(f'#!/bin/sh\nexec {sys.executable} -P {HERE / "demo_stand_in.py"} {folder} "$@"\n')
        run.chmod(0o755)
        yield folder
        subprocess.run(["nsenter", f"--target={device.process}", "--mount", "rmdir", folder], check=True)

    def line(self, device: Device, app: Path, model: Path, **more: object) -> subprocess.CompletedProcess[str]:
        given = {"device": "any", "device_dir": app, "runs": 6, "rounds": 3, "cool_down": 0, "patience": 30} | more
        words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
        return device.mmnet("benchmark", model, *words, "--json", "-")

    def test_it_tells_every_stage(self, device: Device, app: Path, tiny_files: Path) -> None:
        found = measured(self.line(device, app, tiny_files / "uint8.tflite"))
        (result,) = found["results"]
        assert found["settings"]["tool"] == "DemoApp"
        assert set(result["stages"]) == {"preprocess", "invoke", "postprocess", "total"}
        for latency in result["stages"].values():
            assert latency["runs"] == 6
            assert latency["p90_ms"] >= latency["median_ms"] > 0
        assert len(result["rounds_ms"]["total"]) == 3
        assert result["warmup"]["runs"] == 10

    def test_a_failure_of_the_app_is_told(self, device: Device, app: Path, tiny_files: Path) -> None:
        run = device.state / "am.run"
        run.write_text(run.read_text().replace('"$@"', '"$@" --fail'))
        line = error_line(self.line(device, app, tiny_files / "uint8.tflite"))
        assert "the demo app failed on uint8: no such model" in line

    def test_an_app_that_ends_is_noticed(self, device: Device, app: Path, tiny_files: Path) -> None:
        (device.state / "am.run").unlink()
        device.say("pidof", "", code=1)
        line = error_line(self.line(device, app, tiny_files / "uint8.tflite"))
        assert "ended on uint8 without a result" in line

    def test_an_app_that_is_silent_is_given_up(self, device: Device, app: Path, tiny_files: Path) -> None:
        (device.state / "am.run").unlink()
        line = error_line(self.line(device, app, tiny_files / "uint8.tflite", patience=1))
        assert "wrote no result for uint8 in 1 s" in line

    def test_an_activity_that_is_not_there(self, device: Device, app: Path, tiny_files: Path) -> None:
        (device.state / "am.run").unlink()
        device.say("am", "Error type 3\nError: Activity class {ai.mmnet.demo/.BenchmarkActivity} does not exist.\n")
        line = error_line(self.line(device, app, tiny_files / "uint8.tflite"))
        assert "does not start: Error type 3" in line


def test_without_the_demo_app(device: Device, tiny_files: Path) -> None:
    device.say("pm", "", code=1)
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", "--device", "any"))
    assert "is not installed" in line
    assert "--benchmark-binary" in line
