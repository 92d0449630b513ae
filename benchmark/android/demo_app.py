"""The benchmark of the demo app, started by an intent: every stage of a matte as the app computes it.

    am start -n ai.mmnet.demo/.BenchmarkActivity --es model NAME --ei runs N --ei warmup N --ei threads N --es out FILE

The model lies in the app's external files directory. There the app writes its result, a JSON object: the `sha256` of
the model that it measured, and `load_ms`, `first_run_ms`, `warmup`, `stages` and `rounds_ms` as in
`mmnet.benchmark.document` (a round is one run there); or `error`, if it failed.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import time
from typing import Any

import numpy as np

from mmnet.benchmark.android.phone import Phone, Reply
from mmnet.benchmark.android.tool import ToolResult
from mmnet.benchmark.errors import DeviceError
from mmnet.benchmark.host.stages import STAGES, TOTAL
from mmnet.benchmark.latency import Latency
from mmnet.json_reader import parse_json

PACKAGE, ACTIVITY = "ai.mmnet.demo", ".BenchmarkActivity"
FOLDER = f"/sdcard/Android/data/{PACKAGE}/files"
_MODEL, _RESULT = "mmnet-benchmark.tflite", "mmnet-benchmark.json"
_POLL_SECONDS = 0.5

# The lines by which `am start` refuses, depending on Android's version; the most informative comes first. In old
# versions its exit code is 0 all the same.
_REFUSALS = tuple(re.compile(start, re.MULTILINE) for start in (r"^Error: .*", r"^[\w.]+Exception: .*", r"^Error.*"))


class DemoApp:
    """Measures with the installed demo app."""

    name = "DemoApp"

    def __init__(self, phone: Phone, folder: str, timeout: float, warmup_runs: int) -> None:
        """Check that the app is installed.

        Args:
            phone: the phone.
            folder: the app's external files directory.
            timeout: seconds to wait for a result.
            warmup_runs: runs before the measured ones, >= 0.

        Raises:
            DeviceError: the app is not installed.
        """
        self._phone, self._folder = phone, folder
        self._timeout, self._warmup_runs = timeout, warmup_runs
        self.paths: tuple[str, ...] = (f"{folder}/{_MODEL}", f"{folder}/{_RESULT}")
        if "package:" not in phone.run(f"pm path {PACKAGE}").output:
            raise DeviceError(
                f"{phone.serial}: the demo app ({PACKAGE}) is not installed; install it (adb install, see BUILD.md), "
                "or give TensorFlow Lite's tool with binary=FILE"
            )

    def prepare(self) -> None:
        """Make the app's folder, which does not exist before the app's first start."""
        self._phone.make_folder(self._folder)

    def measure(self, name: str, content: bytes, threads: int, runs: int) -> ToolResult:
        """Start the app once on one model; see `Tool.measure`."""
        model_path, result_path = self.paths
        self._phone.push(content, model_path)
        self._phone.run(shlex.join(["rm", "-f", result_path]))
        extras: list[object] = ["--es", "model", _MODEL, "--es", "out", _RESULT]
        for extra, number in (("runs", runs), ("warmup", self._warmup_runs), ("threads", threads)):
            extras += ["--ei", extra, number]
        # -S stops the app first, so that every start is a fresh process.
        reply = self._phone.run(
            shlex.join(map(str, ["am", "start", "-S", "-W", "-n", f"{PACKAGE}/{ACTIVITY}", *extras]))
        )
        if reason := start_failure(reply):
            raise DeviceError(f"{self._phone.serial}: the demo app does not start: {reason}")
        result = self._await_result(name)
        self._phone.run(f"am force-stop {PACKAGE}")
        return self._parse(result, name, hashlib.sha256(content).hexdigest())

    def _await_result(self, name: str) -> dict[str, Any]:
        deadline, missing = time.monotonic() + self._timeout, 0
        while time.monotonic() < deadline:
            reply = self._phone.run(f"cat {shlex.quote(self.paths[1])}", doing=f"while {name} was measured")
            try:
                result = parse_json(reply.output) if reply.code == 0 else None
            except ValueError:  # half-written
                result = None
            if isinstance(result, dict):
                return result
            missing = missing + 1 if self._phone.run(f"pidof {PACKAGE}").code else 0
            if missing > 1:
                raise DeviceError(
                    f"{self._phone.serial}: the demo app ended on {name} without a result; see adb logcat"
                )
            time.sleep(_POLL_SECONDS)
        raise DeviceError(
            f"{self._phone.serial}: the demo app wrote no result for {name} in {self._timeout:.0f} s; unlock the "
            "phone and keep its screen on, or give it more time with timeout=…"
        )

    def _parse(self, result: dict[str, Any], name: str, sha256: str) -> ToolResult:
        if result.get("error"):
            raise DeviceError(f"{self._phone.serial}: the demo app failed on {name}: {result['error']}")
        if result.get("sha256") != sha256:
            raise DeviceError(f"{self._phone.serial}: the demo app measured another model than {name}; update the app")
        try:
            times = {stage: np.array(result["rounds_ms"][stage], np.float64) for stage in (*STAGES, TOTAL)}
            return ToolResult(
                load_ms=float(result["load_ms"]),
                first_run_ms=float(result["first_run_ms"]),
                warmup=Latency(**result["warmup"]) if result.get("warmup") else None,
                stages={stage: Latency.of(values) for stage, values in times.items()},
                times=times,
                peak_memory_bytes=None,
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DeviceError(
                f"{self._phone.serial}: the demo app's result lacks a member ({error}); install the current app"
            ) from error


def start_failure(reply: Reply) -> str | None:
    """Return the reason why `am start` did not start the activity, in one line; None if it did."""
    reason = next((match[0] for refusal in _REFUSALS if (match := refusal.search(reply.output))), None)
    if reason is None and reply.code:
        reason = reply.output or f"exit code {reply.code}"
    return None if reason is None else " ".join(reason.split())
