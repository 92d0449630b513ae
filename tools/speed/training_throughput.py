"""Measure whether the input pipeline is fast enough for the training step.

Alternating rounds compare the images per second with the pipeline and on one batch in memory. The script draws its own
images, so it needs no data. Run it on a machine without other work; the load average is printed with the figures.

    python tools/speed/training_throughput.py --size 256 --batch 8 --rounds 5
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from input_pipeline import drawn_pack

from mmnet.network.config import ModelConfig
from mmnet.network.keras_network import build_keras
from mmnet.training.augment import Augmentation
from mmnet.training.backend import KERAS_BACKENDS, load_keras
from mmnet.training.data.batches import Batches, Part
from mmnet.training.data.packs import side_for
from mmnet.training.models import training_model
from mmnet.training.optimizer import build_adam
from mmnet.training.process import keep_freed_memory, one_opencv_thread
from mmnet.training.recipes import find_recipe

_WARM_UP = 2  # steps of each round that are not counted


def step_seconds(keras: Any, model: Any, batches: Iterator[Any], steps: int) -> tuple[float, float]:
    """Return the median of the seconds per step, the wait for data included, and the mean of the CPU seconds per step.

    A step counts from the end of the one before it. The CPU time hardly depends on the other work of the machine.
    """
    ends: list[tuple[float, float]] = []

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            keep_freed_memory()
            float(logs["loss"])
            ends.append((time.perf_counter(), time.process_time()))

    model.fit(batches, steps_per_epoch=steps + _WARM_UP, epochs=1, verbose=0, shuffle=False, callbacks=[Clock()])
    counted = ends[_WARM_UP - 1 :]
    seconds = statistics.median(after[0] - before[0] for before, after in itertools.pairwise(counted))
    return seconds, (counted[-1][1] - counted[0][1]) / (len(counted) - 1)


def again(batch: Any) -> Iterator[Any]:
    """Yield one batch for ever."""
    while True:
        yield batch


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="input size (256)")
    parser.add_argument("--batch", type=int, default=8, help="images per step (8)")
    parser.add_argument("--steps", type=int, default=10, help="steps per round (10)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind (5)")
    parser.add_argument("--workers", type=int, default=None, help="threads of the pipeline (one per core)")
    parser.add_argument("--backend", choices=KERAS_BACKENDS, default="tensorflow")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    options = parser.parse_args(arguments)

    recipe = find_recipe("fine-tune").scaled(None, options.batch)
    keras = load_keras(options.backend, recipe)
    random = np.random.default_rng(0)
    pack = drawn_pack(side_for(options.size), random)
    scenes = random.integers(0, 256, (8, pack.side, pack.side, 3), np.uint8)
    batches = Batches(
        [Part.whole(pack)], options.batch, options.size, 0, Augmentation(), scenes, options.workers
    )  # fmt: skip
    model = training_model(keras, build_keras(ModelConfig(1.0, options.size, "half_pixel"), keras), recipe)
    model.compile(optimizer=build_adam(keras, 1e-4, recipe.weight_average))

    in_memory = batches.batch(0)
    print("tracing the step, which takes a while", file=sys.stderr, flush=True)
    step_seconds(keras, model, again(in_memory), 1)
    ratios, rates, processor = [], [], []
    for number in range(options.rounds):
        first = number * (options.steps + _WARM_UP)
        memory, alone = step_seconds(keras, model, again(in_memory), options.steps)
        stream = batches.stream(first, first + options.steps + _WARM_UP)
        with one_opencv_thread():
            fed, together = step_seconds(keras, model, stream, options.steps)
        ratios.append(memory / fed)
        processor.append(alone / together)
        rates.append(options.batch / fed)
        print(
            f"round {number + 1}: {options.batch / memory:.2f} images/s from memory, {rates[-1]:.2f} with the "
            f"pipeline, ratio {ratios[-1]:.3f}",
            file=sys.stderr,
            flush=True,
        )
    result = {
        "size": options.size,
        "batch": options.batch,
        "ratio_median": round(statistics.median(ratios), 4),
        "ratios": [round(ratio, 4) for ratio in ratios],
        "ratio_of_processor_seconds": round(statistics.median(processor), 4),
        "images_per_second": round(statistics.median(rates), 3),
        "load": round(os.getloadavg()[0], 2),
        "processors": os.cpu_count(),
    }
    print(json.dumps(result) if options.json else "\n".join(f"{name}: {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
