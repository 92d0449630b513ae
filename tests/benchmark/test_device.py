"""`mmnet benchmark --device` against a real adbd, end to end.

Behind adbd, LiteRT's Arm interpreter runs the model, emulated. Its times say nothing about a phone; the tests check
that they arrive. Where only the figures matter, a faster tool prints made-up ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from adb_device import SERIAL, STORAGE_KIB, Device, running_device
from emulation import arm_python_or_skip, on_arm
from support import PATIENCE, error_line

from mmnet.benchmark.android.benchmark_model import read_binary
from mmnet.benchmark.errors import DeviceError
from mmnet.evaluation.arm.environment import ArmPython
from mmnet.evaluation.arm.parity import runtime_code
from mmnet.runtime import MattingModel, PortraitMatter

pytestmark = pytest.mark.slow

pytest.importorskip("adbutils", reason="ADBUTILS IS NOT INSTALLED: nothing over adb was tested")

HERE = Path(__file__).parent
RECORDINGS = HERE / "recordings"
PROPERTIES = {
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
    "ro.product.manufacturer": "Debian",
    "ro.product.model": "Trixie",
    "ro.soc.model": "Emulated",
    "ro.build.version.release": "16",
    "ro.build.fingerprint": "debian/trixie/emulated",
}


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    with running_device(tmp_path_factory.mktemp("device")) as device:
        yield device


@pytest.fixture
def device(booted: Device) -> Iterator[Device]:
    """The device, cool and with its battery charged. After the test, nothing may be left on it."""
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


@pytest.fixture(scope="module")
def arm() -> ArmPython:
    return arm_python_or_skip("NO MODEL WAS RUN ON ARM BEHIND A REAL ADBD")


def script(path: Path, *before: str, run: str = "") -> Path:
    """Write a `benchmark_model` that is a script and first runs some other commands."""
    path.write_text("\n".join(["#!/bin/sh", *before, run or f"starts=/dev/null; . {HERE / 'quick_tool.sh'}"]) + "\n")
    return path


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """A `benchmark_model` that notes in `started` how it was started, and prints the figures of `quick_tool.sh`."""
    starts = tmp_path / "started"
    noted = f'echo "$(taskset -p $$) $*" >> {starts}'
    return script(tmp_path / "benchmark_model", noted, run=f"starts={starts}; . {HERE / 'quick_tool.sh'}")


def options(phone: Device, tool: Path, **more: object) -> list[object]:
    given: dict[str, object] = {
        "device": "any",
        "benchmark_binary": tool,
        "device_dir": f"{phone.storage}/work",
        "runs": 6,
        "rounds": 3,
        "cool_down": 0,
        "timeout": PATIENCE,
        **more,
    }
    return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]


def measured(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the one measurement of a command that must succeed."""
    assert done.returncode == 0, done.stderr
    measurements: list[dict[str, Any]] = json.loads(done.stdout)["measurements"]
    assert len(measurements) == 1
    return measurements[0]


def test_arms_interpreter_runs_the_models(
    device: Device, booted: Device, arm: ArmPython, tiny_files: Path, tmp_path: Path
) -> None:
    """Behind adbd, LiteRT for Arm computes this host's alphas, and its figures arrive unchanged."""
    (shown := tmp_path / "shown").mkdir()
    tool = script(tmp_path / "benchmark_model", run=f'exec {on_arm(arm, HERE / "stand_in.py", shown)} "$@"')
    models = {name: tiny_files / f"{name}.tflite" for name in ("float", "uint8")}
    measurement = measured(device.mmnet("benchmark", *models.values(), *options(device, tool, rounds=1), "--json", "-"))
    started = sorted(shown.iterdir())
    assert len(started) == len(measurement["results"]) == 2

    told = {}
    for folder in started:
        with np.load(folder / "seen.npz", allow_pickle=False) as seen:
            image, alpha = seen["image"], seen["alpha"]
        name = "uint8" if alpha.dtype == np.uint8 else "float"
        told[name] = json.loads((folder / "told.json").read_text())
        assert told[name]["machine"] == "aarch64"
        with MattingModel(models[name], 1) as here:
            if name == "uint8":
                assert alpha.tobytes() == here.run(image).tobytes()
            else:
                np.testing.assert_allclose(alpha, here.run_float(image), rtol=0, atol=1e-6)
        assert len(np.unique(alpha)) > 10

    for result in measurement["results"]:
        said, invoke = told[result["name"]], result["stages"]["invoke"]
        assert result["load_ms"] == pytest.approx(said["init"] / 1e3)
        assert result["first_run_ms"] == pytest.approx(said["warmup"][0] / 1e3)
        runs = sorted(said["inference"])
        assert (invoke["runs"], len(runs)) == (6, 6)
        expected = {"min_ms": runs[0], "median_ms": runs[3], "max_ms": runs[-1], "mean_ms": np.mean(runs)}
        for key, microseconds in expected.items():
            assert invoke[key] == pytest.approx(microseconds / 1e3, rel=1e-5), key
        assert result["rounds_ms"]["invoke"] == [invoke["median_ms"]]
        assert result["peak_memory_bytes"] == 2.25 * 2**20


def test_models_take_turns_on_the_device(device: Device, tool: Path, tiny_files: Path) -> None:
    models = [tiny_files / "float.tflite", tiny_files / "uint8.tflite"]
    measurement = measured(
        device.mmnet("benchmark", *models, *options(device, tool, affinity="1", threads="1,2", rounds=2), "--json", "-")
    )
    assert [(result["name"], result["threads"]) for result in measurement["results"]] == [
        ("float", 1),
        ("float", 2),
        ("uint8", 1),
        ("uint8", 2),
    ]
    for result in measurement["results"]:
        invoke, rounds = result["stages"]["invoke"], result["rounds_ms"]["invoke"]
        assert (invoke["runs"], len(rounds)) == (6, 2)
        assert invoke["median_ms"] == pytest.approx(np.median(rounds))
        assert (invoke["min_ms"], invoke["max_ms"]) == (min(rounds), max(rounds))
        assert result["peak_memory_bytes"] == 2.25 * 2**20
        assert (result["load_ms"], result["first_run_ms"]) == (8.412, 20.0)
        assert result["discarded_rounds"] == []
        before = result["conditions"][0]["before"]
        assert (before["thermal_status"], before["temperatures"]["skin"]) == (0, 34.125)
        assert (before["battery_level"], before["charging"]) == (87, True)
    # Each of the eight starts has the time of its turn.
    times = [time for result in measurement["results"] for time in result["rounds_ms"]["invoke"]]
    assert sorted(times) == pytest.approx([16.1 + 0.1 * turn for turn in range(8)])
    ratio = measurement["results"][2]["ratio"]["invoke"]
    base = np.array(measurement["results"][0]["rounds_ms"]["invoke"])
    assert ratio["median"] == pytest.approx(
        np.median(np.array(measurement["results"][2]["rounds_ms"]["invoke"]) / base)
    )

    machine = measurement["machine"]
    assert (machine["kind"], machine["name"], machine["processor"]) == ("device", "Debian Trixie", "Emulated")
    assert (machine["android"], machine["abis"]) == ("16", PROPERTIES["ro.product.cpu.abilist"])
    assert measurement["warnings"] == []
    assert measurement["settings"]["rounds"] == 2

    started = (tool.parent / "started").read_text().splitlines()
    assert len(started) == 8
    assert all("affinity mask: 1 " in line and "--num_runs=3 " in line for line in started)
    assert sum("--num_threads=2" in line for line in started) == 4


def test_results_of_host_and_phone_lie_in_one_file(
    device: Device, tool: Path, tiny_files: Path, tmp_path: Path
) -> None:
    output = tmp_path / "latency.json"
    model = tiny_files / "uint8.tflite"
    done = device.mmnet("benchmark", model, "--runs", 1, "--json", output)
    assert done.returncode == 0, done.stderr
    done = device.mmnet("benchmark", model, *options(device, tool, rounds=1), "--json", output, "--merge")
    assert done.returncode == 0, done.stderr
    assert "Debian Trixie (Emulated, Android 16)" in done.stdout
    host, phone = json.loads(output.read_text())["measurements"]
    assert (host["machine"]["kind"], phone["machine"]["kind"]) == ("host", "device")
    assert host["results"][0]["sha256"] == phone["results"][0]["sha256"]


def test_without_a_thermal_service_it_says_so(device: Device, tool: Path, tiny_files: Path) -> None:
    device.say("dumpsys thermalservice", (RECORDINGS / "thermalservice_absent.txt").read_text())
    line = options(device, tool, rounds=1)
    measurement = measured(device.mmnet("benchmark", tiny_files / "uint8.tflite", *line, "--json", "-"))
    assert measurement["results"][0]["conditions"][0]["before"]["thermal_status"] is None
    assert "no thermal status" in measurement["warnings"][0]


def test_a_throttled_round_is_measured_again(device: Device, tmp_path: Path, tiny_files: Path) -> None:
    said = device.state / "dumpsys_thermalservice"
    # The device is hot after the first start, and cool again when its state is read for the second time.
    heat = f"[ -e {tmp_path}/hot ] || {{ touch {tmp_path}/hot; sed -i 's/Status: 0/Status: 2/' {said}; }}"
    cooling = said.with_suffix(".run")
    cooling.write_text(
        f"#!/bin/sh\n[ -e {tmp_path}/told ] && sed -i 's/Status: 2/Status: 0/' {said}\n"
        f"if grep -q 'Status: 2' {said}; then touch {tmp_path}/told; fi\n"
    )
    cooling.chmod(0o755)
    tool = script(tmp_path / "benchmark_model", heat)
    line = options(device, tool, rounds=2)
    measurement = measured(device.mmnet("benchmark", tiny_files / "uint8.tflite", *line, "--json", "-"))
    (result,) = measurement["results"]
    assert len(result["discarded_rounds"]) == 1
    assert "moderate" in result["discarded_rounds"][0]
    assert len(result["rounds_ms"]["invoke"]) == 2
    assert "1 rounds were throttled" in measurement["warnings"][-1]


def test_a_phone_that_stays_hot_is_refused(device: Device, tool: Path, tiny_files: Path) -> None:
    hot = (RECORDINGS / "thermalservice.txt").read_text().replace("Thermal Status: 0", "Thermal Status: 3")
    device.say("dumpsys thermalservice", hot)
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, tool, timeout=0)))
    assert "thermal status 3, severe" in line
    assert not (tool.parent / "started").exists()


def test_no_space(device: Device, tmp_path: Path, tiny_files: Path) -> None:
    tool = script(tmp_path / "benchmark_model")
    tool.write_bytes(tool.read_bytes() + b"#" * (STORAGE_KIB * 1024 + 1))
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, tool)))
    assert "no space left" in line
    assert "KiB are needed" in line


def test_space_that_runs_out_although_df_reports_it(device: Device, tmp_path: Path, tiny_files: Path) -> None:
    """`df` does not know of quotas and reserved blocks. The message then has the reason that the device gives."""
    df = device.state.with_name("tools") / "df"
    df.write_text(f"#!/bin/sh\ncat {RECORDINGS / 'df_toybox.txt'}\n")
    df.chmod(0o755)
    try:
        tool = script(tmp_path / "benchmark_model")
        tool.write_bytes(tool.read_bytes() + b"#" * (STORAGE_KIB * 1024 + 1))
        line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, tool)))
    finally:
        df.unlink()
    assert "benchmark_model cannot be written to" in line
    assert "No space left on device" in line


def test_a_folder_that_cannot_be_made(device: Device, tool: Path, tiny_files: Path) -> None:
    given = options(device, tool, device_dir="/proc/nowhere/work")
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *given))
    assert "/proc/nowhere/work cannot be made" in line


def test_a_binary_for_another_processor(device: Device, tiny_files: Path) -> None:
    """This host's own Python, for a device that runs programs for Arm."""
    if os.uname().machine != "x86_64":
        pytest.skip("this host's programs are not for another processor")
    python = Path(sys.executable).resolve()
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, python)))
    assert f"{python}: is built for x86_64" in line
    assert PROPERTIES["ro.product.cpu.abilist"] in line


def test_a_binary_for_arm(arm: ArmPython) -> None:
    """Python for Arm: accepted for a phone, refused for an emulator on x86-64."""
    python = arm.folder / "root/usr/bin/python3.11"
    assert read_binary(python, PROPERTIES["ro.product.cpu.abilist"], SERIAL) == python.read_bytes()
    with pytest.raises(DeviceError, match="is built for arm64-v8a"):
        read_binary(python, "x86_64,x86", SERIAL)


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
    """Nothing is left on the phone after Ctrl-C or SIGKILL while the model runs."""
    tool = script(tmp_path / "benchmark_model", f"kill -{sign} $(cat {tmp_path}/mmnet); sleep 5")
    command = [str(Path(sys.executable).with_name("mmnet")), "benchmark", str(tiny_files / "uint8.tflite")]
    command += map(str, options(device, tool))
    starter = f'echo $$ > {tmp_path}/mmnet; exec "$@"'
    done = subprocess.run(
        ["nsenter", f"--target={device.process}", "--net", "sh", "-c", starter, "sh", *command],
        env=device.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stderr
    _await_empty(device)


def test_unplugged_half_way(tmp_path: Path, tiny_files: Path) -> None:
    """adbd ends during a measurement: the error is one line, and the shell on the device cleans up."""
    with running_device(tmp_path) as device:
        device.say("getprop", "")
        tool = script(tmp_path / "benchmark_model", f"kill -KILL {device.process}; sleep 1")
        # Another process in the namespaces keeps the storage mounted after adbd has ended.
        keeper = subprocess.Popen(["nsenter", f"--target={device.process}", "--net", "--mount", "sleep", str(PATIENCE)])
        try:
            while namespace(keeper.pid) != namespace(device.process):
                assert keeper.poll() is None
                time.sleep(0.01)
            line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", *options(device, tool)))
            assert "the connection was lost while uint8 was measured" in line
            device.process = keeper.pid
            _await_empty(device)
        finally:
            device.process = keeper.pid
            device.adb("kill-server")
            keeper.kill()
            keeper.wait()


def namespace(process: int) -> Path:
    """Return what names the namespace of a process's mounts."""
    return Path(f"/proc/{process}/ns/mnt").readlink()


def _await_empty(device: Device) -> None:
    deadline = time.monotonic() + PATIENCE
    while (left := device.files()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []


class TestDemoApp:
    """The demo app's side of the protocol, played by scripts, of which one runs the model."""

    @pytest.fixture
    def app(self, device: Device) -> Iterator[Path]:
        folder = device.storage / "files"
        device.say("pm", "package:/data/app/ai.mmnet.demo/base.apk\n")
        device.say("pidof", "4711\n")
        device.say("am", (RECORDINGS / "am_started.txt").read_text())
        yield folder
        subprocess.run(["nsenter", f"--target={device.process}", "--mount", "rmdir", folder], check=True)

    def when_started(self, device: Device, command: str) -> None:
        """Set the command that runs in the background after `am start`."""
        run = device.state / "am.run"
        run.write_text(f'#!/bin/sh\n[ "$1" = start ] || exit 0\n{command} >/dev/null 2>&1 &\n')
        run.chmod(0o755)

    def line(self, device: Device, app: Path, model: Path, **more: object) -> subprocess.CompletedProcess[str]:
        given = {"device": "any", "device_dir": app, "runs": 6, "rounds": 1, "cool_down": 0, "timeout": PATIENCE} | more
        words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
        return device.mmnet("benchmark", model, *words, "--json", "-")

    def test_every_stage_is_reported(
        self, device: Device, app: Path, arm: ArmPython, tiny_files: Path, tmp_path: Path
    ) -> None:
        """The script runs the model on emulated Arm; the alpha of its frame equals this host's to the byte."""
        model = tiny_files / "uint8.tflite"
        with runtime_code(model.read_bytes()) as code:
            stand_in = on_arm(arm, HERE / "demo_stand_in.py", app, tmp_path, modules=[code])
            self.when_started(device, f'{stand_in} "$@"')
            measurement = measured(self.line(device, app, model))
        (result,) = measurement["results"]
        assert measurement["settings"]["tool"] == "DemoApp"
        told = json.loads((tmp_path / "told.json").read_text())
        assert told["machine"] == "aarch64"
        assert set(result["stages"]) == {"preprocess", "invoke", "postprocess", "total"}
        for stage, latency in result["stages"].items():
            assert latency["runs"] == 6
            for key in ("min_ms", "median_ms", "p90_ms", "p95_ms", "max_ms", "mean_ms", "iqr_ms"):
                assert latency[key] == pytest.approx(told["stages"][stage][key]), (stage, key)
            assert result["rounds_ms"][stage] == pytest.approx([told["stages"][stage]["median_ms"]])
        assert result["warmup"] == told["warmup"]
        assert result["warmup"]["runs"] == 10

        with np.load(tmp_path / "shown.npz", allow_pickle=False) as shown, PortraitMatter(model, 1) as here:
            assert shown["alpha"].tobytes() == here(shown["frame"]).tobytes()
            assert len(np.unique(shown["alpha"])) > 50

    def test_a_failure_of_the_app_is_reported(self, device: Device, app: Path, tiny_files: Path) -> None:
        result = app / "mmnet-benchmark.json"
        self.when_started(device, f"""echo '{{"error": "no such model"}}' 2>/dev/null | tee {result}""")
        line = error_line(self.line(device, app, tiny_files / "uint8.tflite"))
        assert "the demo app failed on uint8: no such model" in line

    def test_an_app_that_ends_is_noticed(self, device: Device, app: Path, tiny_files: Path) -> None:
        device.say("pidof", "", code=1)
        line = error_line(self.line(device, app, tiny_files / "uint8.tflite"))
        assert "ended on uint8 without a result" in line

    def test_an_app_without_a_result_times_out(self, device: Device, app: Path, tiny_files: Path) -> None:
        line = error_line(self.line(device, app, tiny_files / "uint8.tflite", timeout=1))
        assert "wrote no result for uint8 in 1 s" in line

    def test_an_activity_that_is_not_there(self, device: Device, app: Path, tiny_files: Path) -> None:
        device.say("am", (RECORDINGS / "am_no_activity.txt").read_text())
        line = error_line(self.line(device, app, tiny_files / "uint8.tflite"))
        assert "does not start: Error: Activity class" in line


def test_without_the_demo_app(device: Device, tiny_files: Path) -> None:
    device.say("pm", "", code=1)
    line = error_line(device.mmnet("benchmark", tiny_files / "uint8.tflite", "--device", "any"))
    assert "is not installed" in line
    assert "--benchmark-binary" in line
