"""A stand-in for the demo app's benchmark activity: `… --es model NAME --ei runs N --ei threads N --es out FILE`.

    python demo_stand_in.py FILES SHOWN start -n ACTIVITY --es model NAME …

FILES is the app's external files directory. The script runs the model through the stages of this project's runtime, and
writes there the result that the app writes. Into SHOWN it writes the frame, its alpha and the name of the machine. It
imports only `mmnet.runtime`.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from mmnet.runtime import MattingModel, to_model_input, upsample_alpha

STAGES = ("preprocess", "invoke", "postprocess")


def camera_frame(height: int, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a drawn frame with edges, uint8 [height, width, 3]."""
    y, x = np.mgrid[0:height, 0:width]
    planes = (2 * x % 256, 2 * y % 256, 255 * (np.hypot(x - width / 2, y - height / 2) < height / 3))
    return np.stack(planes, axis=-1).astype(np.uint8)


def matte(model: MattingModel, frame: Any) -> tuple[Any, list[float]]:
    """Return the frame's alpha, and the milliseconds of each stage."""
    times = [time.perf_counter()]
    small = to_model_input(frame, model.size)
    times.append(time.perf_counter())
    alpha = model.run_float(small)
    times.append(time.perf_counter())
    alpha = upsample_alpha(alpha, frame, model_input=small)
    times.append(time.perf_counter())
    return alpha, list(np.diff(times) * 1e3)


def latency(times: Any) -> dict[str, float]:
    """Return the statistics of milliseconds [N], as the app reports them."""
    percentiles = np.percentile(times, (0, 25, 50, 75, 90, 95, 100)).tolist()
    names = ("min_ms", "p25", "median_ms", "p75", "p90_ms", "p95_ms", "max_ms")
    figures = dict(zip(names, percentiles, strict=True)) | {"runs": len(times), "mean_ms": float(np.mean(times))}
    return figures | {"iqr_ms": figures.pop("p75") - figures.pop("p25")}


def main() -> None:
    """Run the script."""
    files, shown, arguments = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    assert arguments[arguments.index("-n") + 1] == "ai.mmnet.demo/.BenchmarkActivity"
    extras = {arguments[i + 1]: arguments[i + 2] for i, word in enumerate(arguments) if word in ("--es", "--ei")}
    start = time.perf_counter()
    content = (files / extras["model"]).read_bytes()
    model = MattingModel(content, int(extras["threads"]))
    load_ms = (time.perf_counter() - start) * 1e3
    frame = camera_frame(144, 192)
    alpha, first = matte(model, frame)
    warmup = np.array([sum(matte(model, frame)[1]) for _ in range(int(extras["warmup"]))])
    times = np.array([matte(model, frame)[1] for _ in range(int(extras["runs"]))])
    rounds = dict(zip(STAGES, times.T.tolist(), strict=True)) | {"total": times.sum(axis=1).tolist()}
    result = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "load_ms": load_ms,
        "first_run_ms": sum(first),
        "warmup": latency(warmup) if len(warmup) else None,
        "stages": {stage: latency(values) for stage, values in rounds.items()},
        "rounds_ms": rounds,
    }
    np.savez(shown / "shown.npz", frame=frame, alpha=alpha)
    (shown / "told.json").write_text(json.dumps(result | {"machine": platform.machine()}))
    (files / extras["out"]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
