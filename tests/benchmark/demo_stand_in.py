"""Stands in for the demo app's benchmark activity: `… --es model NAME --ei runs N --ei threads N --es out FILE`.

Runs the model through the stages of this project's own runtime and writes the members that the app writes.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mmnet.benchmark.latency import Latency
from mmnet.benchmark.stages import STAGES, StagedModel, camera_frame


def main() -> None:
    folder, arguments = Path(sys.argv[1]), sys.argv[2:]
    if arguments[0] != "start":
        return
    assert arguments[arguments.index("-n") + 1] == "ai.mmnet.demo/.BenchmarkActivity"
    extras = {arguments[i + 1]: arguments[i + 2] for i, word in enumerate(arguments) if word in ("--es", "--ei")}
    out = folder / extras["out"]
    if "--fail" in arguments:
        out.write_text(json.dumps({"error": "no such model"}))
        return
    start = time.perf_counter()
    content = (folder / extras["model"]).read_bytes()
    model = StagedModel(content, int(extras["threads"]))
    load_ms = (time.perf_counter() - start) * 1e3
    frame = camera_frame(48, 64)
    first = sum(model.time_stages(frame))
    warmup = np.array([sum(model.time_stages(frame)) for _ in range(int(extras["warmup"]))])
    times = np.array([model.time_stages(frame) for _ in range(int(extras["runs"]))])
    rounds = dict(zip(STAGES, times.T.tolist(), strict=True)) | {"total": times.sum(axis=1).tolist()}
    result = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "load_ms": load_ms,
        "first_run_ms": first,
        "warmup": asdict(Latency.of(warmup)) if len(warmup) else None,
        "stages": {stage: asdict(Latency.of(np.array(values))) for stage, values in rounds.items()},
        "rounds_ms": rounds,
    }
    out.write_text(json.dumps(result))


if __name__ == "__main__":
    main()
