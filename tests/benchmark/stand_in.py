"""A stand-in for TensorFlow Lite's `benchmark_model`: it takes the same flags, runs the model and prints the same text.

    python stand_in.py FOLDER --graph=FILE --num_threads=N …

Each start also writes what it ran and measured into a folder of its own: FOLDER/1, FOLDER/2 and so on. The script
imports only NumPy and LiteRT. The format is that of google-ai-edge/LiteRT, `tflite/tools/benchmark/benchmark_model.cc`,
and `StatWithPercentiles::OutputToStream`.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray


def log(line: str) -> None:
    """Print a line as the tool does."""
    print(f"INFO: {line}", file=sys.stderr, flush=True)


def statistics(times: list[int]) -> str:
    """Return the statistics of microseconds as the tool's class Stat prints them."""
    values = np.array(times)
    ordered = np.sort(values)
    text = f"count={len(times)} curr={times[-1]}"
    if values.min() != values.max():
        text = (
            f"count={len(times)} first={times[0]} curr={times[-1]} min={values.min()} max={values.max()} "
            f"avg={values.mean():.6g} std={int(values.std())}"
        )
    elif len(times) > 1:
        text += "(all same)"
    percentiles = {"p5": 5, "median": 50, "p95": 95}
    return text + "".join(f" {name}={ordered[len(times) * of // 100]}" for name, of in percentiles.items())


def drawn_image(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return uint8 of this shape, in which every value occurs."""
    return (np.arange(np.prod(shape)) * 37 % 256).astype(np.uint8).reshape(shape)


def microseconds_since(start: int) -> int:
    """Return the microseconds since a value of `time.perf_counter_ns`."""
    return (time.perf_counter_ns() - start) // 1000


def main() -> None:
    """Run the script."""
    folder, arguments = Path(sys.argv[1]), sys.argv[2:]
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
    log("STARTING!")
    log(f"Graph: [{flags['graph']}]")
    start = time.perf_counter_ns()
    interpreter = Interpreter(flags["graph"], num_threads=int(flags["num_threads"]))
    interpreter.allocate_tensors()
    init = microseconds_since(start)
    log(f"Loaded model {flags['graph']}")
    log("Explicitly applied XNNPACK delegate, and the model graph will be completely executed by the delegate.")
    log(f"Initialized session in {init / 1e3:g}ms.")
    (image,), (alpha,) = interpreter.get_input_details(), interpreter.get_output_details()
    shown = drawn_image(tuple(image["shape"]))
    values: NDArray[Any] = shown / np.float32(255) if image["dtype"] == np.float32 else shown
    interpreter.set_tensor(image["index"], values)
    measured = []
    for runs, seconds in (("warmup_runs", "warmup_min_secs"), ("num_runs", "min_secs")):
        log(f"Running benchmark for at least {flags[runs]} iterations and at least {flags[seconds]} seconds.")
        times = []
        for _ in range(int(flags[runs])):
            start = time.perf_counter_ns()
            interpreter.invoke()
            times.append(microseconds_since(start))
        log(statistics(times) + "\n")
        measured.append(times)
    warmup, inference = measured
    log(
        f"Inference timings in us: Init: {init}, First inference: {warmup[0]}, "
        f"Warmup (avg): {np.mean(warmup):.6g}, Inference (avg): {np.mean(inference):.6g}"
    )
    log("Memory footprint delta from the start of the tool (MB): init=1.5 overall=2.25")

    into = folder / str(1 + len(list(folder.iterdir())))
    into.mkdir()
    np.savez(into / "seen.npz", image=shown[0], alpha=interpreter.get_tensor(alpha["index"])[0, :, :, 0])
    told = {"machine": platform.machine(), "init": init, "warmup": warmup, "inference": inference}
    (into / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()
