"""Measure what each rewriting of the graph gains: the latency after every step, in float and in 8 bits.

Run on a quiet machine:
  python tools/speed/rewrites.py --ckpt CHECKPOINT --calibration PHOTOS [--runs 200] [--json FILE]

The models take turns in one run. The baseline is the naive conversion: `TFLiteConverter.from_keras_model`, unknown
batch, float. Every other model is made by the first rewritings of the list; the last model is what `export-tflite`
makes.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np

from mmnet.benchmark.host.naive import naive_conversion
from mmnet.cli.process.quiet import silence_native_libraries
from mmnet.evaluation.machine import processor
from mmnet.export.convert import to_float, to_int8
from mmnet.export.verify import probe_images
from mmnet.graph.layouts import FLOAT_LAYOUTS, INTEGER_LAYOUTS
from mmnet.graph.operators import training_graph
from mmnet.graph.rewrite import REWRITES
from mmnet.network.resolve import open_checkpoint
from mmnet.quantize.calibration import load_calibration
from mmnet.runtime.tflite.interpreter import open_interpreter


def measure(models: dict[str, bytes], runs: int) -> dict[str, np.ndarray]:
    """Return the seconds of each invocation on one thread; the models take turns, after a warm-up.

    A turn has two invocations, and the second one counts: the first brings the model's weights back into the caches.
    """
    image = probe_images(256, 1)
    interpreters = {}
    for name, model in models.items():
        interpreter = open_interpreter(model, name)
        (details,) = interpreter.get_input_details()
        interpreter.resize_tensor_input(details["index"], image.shape)
        interpreter.allocate_tensors()
        pixels = image if details["dtype"] == np.uint8 else image.astype(np.float32) / np.float32(255)
        interpreter.set_tensor(details["index"], pixels)
        interpreters[name] = interpreter
    times: dict[str, list[float]] = {name: [] for name in models}
    for run in range(runs + 10):
        for name, interpreter in interpreters.items():
            interpreter.invoke()
            start = time.perf_counter()
            interpreter.invoke()
            if run >= 10:
                times[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in times.items()}


def main() -> None:
    """Measure every model and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt", required=True)
    parser.add_argument("--ckpt-dir", type=Path, default=Path("checkpoints"))
    parser.add_argument("--calibration", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    silence_native_libraries()

    checkpoint = open_checkpoint(arguments.ckpt, arguments.ckpt_dir).checkpoint
    images = load_calibration(arguments.calibration, checkpoint.config.size, limit=20).images
    models = {"naive float": naive_conversion(checkpoint)}
    graph = training_graph(checkpoint.config, checkpoint.weights)
    for rewrite in REWRITES:
        graph = rewrite(graph)
        models[f"+ {rewrite.__name__}, float"] = to_float(graph, layouts=())
        models[f"+ {rewrite.__name__}, int8"] = to_int8(graph, images, layouts=())
    for count, layout in enumerate(FLOAT_LAYOUTS, start=1):
        models[f"+ {layout.__name__}, float"] = to_float(graph, layouts=FLOAT_LAYOUTS[:count])
    for count, layout in enumerate(INTEGER_LAYOUTS, start=1):
        models[f"+ {layout.__name__}, int8"] = to_int8(graph, images, layouts=INTEGER_LAYOUTS[:count])
    times = measure(models, arguments.runs)
    base = times["naive float"]
    rows = [
        {
            "model": name,
            "median_ms": float(np.median(values) * 1e3),
            "p90_ms": float(np.percentile(values, 90) * 1e3),
            "ratio": float(np.median(values / base)),
            "ratio_p10": float(np.percentile(values / base, 10)),
            "ratio_p90": float(np.percentile(values / base, 90)),
        }
        for name, values in times.items()
    ]
    print(f"{'':38} median ms   p90 ms   ratio to naive, median [p10, p90] of {arguments.runs} rounds")
    for row in rows:
        print(
            f"{row['model']:38} {row['median_ms']:9.2f} {row['p90_ms']:8.2f}   {row['ratio']:.3f} "
            f"[{row['ratio_p10']:.3f}, {row['ratio_p90']:.3f}]"
        )
    if arguments.json:
        machine = {"machine": platform.machine(), "processor": processor(), "threads": 1}
        document = {"machine": machine, "runs": arguments.runs, "rows": rows}
        if arguments.json.exists():  # what was tried without gain is written by hand
            document["trials"] = json.loads(arguments.json.read_text()).get("trials", [])
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
