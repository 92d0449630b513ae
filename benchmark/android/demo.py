"""The demo app's benchmark, started by an intent: the whole pipeline as the app runs it.

    am start -n ai.mmnet.demo/.BenchmarkActivity --es model NAME --ei runs N --ei warmup N --ei threads N --es out FILE

The model lies in the app's external files directory, where it writes its result, a JSON object with the `sha256` of
what it measured, `load_ms`, `first_run_ms`, `warmup`, `stages` and `rounds_ms` as in `mmnet.benchmark.document` (rounds
are runs there), or with `error`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import time
from typing import Any

import numpy as np

from mmnet.benchmark.android.phone import Phone, Reply
from mmnet.benchmark.android.rounds import Start
from mmnet.benchmark.errors import DeviceError
from mmnet.benchmark.host.stages import STAGES, TOTAL
from mmnet.benchmark.latency import Latency

PACKAGE, ACTIVITY = "ai.mmnet.demo", ".BenchmarkActivity"
FOLDER = f"/sdcard/Android/data/{PACKAGE}/files"
_MODEL, _RESULT = "mmnet-benchmark.tflite", "mmnet-benchmark.json"
_POLL_SECONDS = 0.5


# How `am` says no, depending on Android's version; what tells most comes first. Its exit code is 0 in old ones.
_REFUSALS = tuple(re.compile(start, re.MULTILINE) for start in (r"^Error: .*", r"^[\w.]+Exception: .*", r"^Error.*"))


class DemoApp:
    """Measures with the installed demo app."""

    def __init__(self, phone: Phone, folder: str, patience: float, warmup_runs: int) -> None:
        """See that the app is there.

        Args:
            phone: where.
            folder: the app's external files directory.
            patience: seconds to wait for a result.
            warmup_runs: >= 0.

        Raises:
            DeviceError: it is not installed.
        """
        self._phone, self._folder = phone, folder
        self._patience, self._warmup_runs = patience, warmup_runs
        self.paths: tuple[str, ...] = (f"{folder}/{_MODEL}", f"{folder}/{_RESULT}")
        if "package:" not in phone.run(f"pm path {PACKAGE}").output:
            raise DeviceError(
                f"{phone.serial}: the demo app ({PACKAGE}) is not installed; install it (adb install, see BUILD.md), "
                "or give TensorFlow Lite's tool with --benchmark-binary FILE"
            )

    def prepare(self) -> None:
        """Make the folder, should the app never have run."""
        self._phone.make_folder(self._folder)

    def start(self, name: str, content: bytes, threads: int, runs: int) -> Start:
        """One start of the app on one model.

        Raises:
            DeviceError: the app says so, ends, or writes no result in time.
        """
        model, result = self.paths
        self._phone.push(content, model)
        self._phone.run(shlex.join(["rm", "-f", result]))
        extras: list[object] = ["--es", "model", _MODEL, "--es", "out", _RESULT]
        for extra, number in (("runs", runs), ("warmup", self._warmup_runs), ("threads", threads)):
            extras += ["--ei", extra, number]
        # -S stops it first: every start is a fresh process.
        begun = self._phone.run(
            shlex.join(map(str, ["am", "start", "-S", "-W", "-n", f"{PACKAGE}/{ACTIVITY}", *extras]))
        )
        if reason := why_not_started(begun):
            raise DeviceError(f"{self._phone.serial}: the demo app does not start: {reason}")
        found = self._await(name)
        self._phone.run(f"am force-stop {PACKAGE}")
        return self._read(found, name, hashlib.sha256(content).hexdigest())

    def _await(self, name: str) -> dict[str, Any]:
        deadline, missing = time.monotonic() + self._patience, 0
        while time.monotonic() < deadline:
            reply = self._phone.run(f"cat {shlex.quote(self.paths[1])}", doing=f"while {name} was measured")
            try:
                found = json.loads(reply.output) if reply.code == 0 else None
            except ValueError:  # half-written
                found = None
            if isinstance(found, dict):
                return found
            missing = missing + 1 if self._phone.run(f"pidof {PACKAGE}").code else 0
            if missing > 1:
                raise DeviceError(
                    f"{self._phone.serial}: the demo app ended on {name} without a result; see adb logcat"
                )
            time.sleep(_POLL_SECONDS)
        raise DeviceError(
            f"{self._phone.serial}: the demo app wrote no result for {name} in {self._patience:.0f} s; unlock the "
            "phone and keep its screen on, or give it more time with --patience"
        )

    def _read(self, found: dict[str, Any], name: str, sha256: str) -> Start:
        if found.get("error"):
            raise DeviceError(f"{self._phone.serial}: the demo app failed on {name}: {found['error']}")
        if found.get("sha256") != sha256:
            raise DeviceError(f"{self._phone.serial}: the demo app measured another model than {name}; update the app")
        try:
            times = {stage: np.array(found["rounds_ms"][stage], np.float64) for stage in (*STAGES, TOTAL)}
            return Start(
                load_ms=float(found["load_ms"]),
                first_run_ms=float(found["first_run_ms"]),
                warmup=Latency(**found["warmup"]) if found.get("warmup") else None,
                stages={stage: Latency.of(values) for stage, values in times.items()},
                times=times,
                peak_memory_bytes=None,
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise DeviceError(
                f"{self._phone.serial}: the demo app's result lacks what is needed ({error}); install the current app"
            ) from error


def why_not_started(begun: Reply) -> str | None:
    """What `am start` gives as the reason, in one line; None if it started the activity."""
    said = next((found[0] for start in _REFUSALS if (found := start.search(begun.output))), None)
    if said is None and begun.code:
        said = begun.output or f"exit code {begun.code}"
    return None if said is None else " ".join(said.split())
