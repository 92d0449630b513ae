"""Measure the training step of the compiled backend against TensorFlow's, on one batch in memory.

Both train the same network with frozen batch norms: losses, gradients, Adam and the average of the weights. Rounds
alternate between them. The processor seconds hardly depend on the other work of the machine.

    python tools/speed/compiled_step.py --size 256 --batch 8 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mmnet.network.resolve import open_checkpoint
from mmnet.training.backend import load_engine
from mmnet.training.compiled.library import instruction_sets, load_library
from mmnet.training.data.dataset import DataSet
from mmnet.training.engines.engine import Engine
from mmnet.training.recipes import find_recipe
from mmnet.training.run import TrainingRun


def no_data(size: int) -> DataSet:
    """Raise, because the batch is in memory."""
    raise NotImplementedError


def seconds_of(engine: Engine, batch: Any, steps: int) -> tuple[float, float]:
    """Return the seconds and the processor seconds per step."""
    began, busy = time.perf_counter(), time.process_time()
    engine.fit((batch for _ in range(steps)), steps, lambda number, losses: None)
    return (time.perf_counter() - began) / steps, (time.process_time() - busy) / steps


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt", default="checkpoints/mmnet-1.0", help="network (checkpoints/mmnet-1.0)")
    parser.add_argument("--size", type=int, default=256, help="input size (256)")
    parser.add_argument("--batch", type=int, default=8, help="images per step (8)")
    parser.add_argument("--steps", type=int, default=4, help="steps per round (4)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind (5)")
    options = parser.parse_args(arguments)

    recipe = find_recipe("whole-people-finish").scaled(None, options.batch)
    stage = replace(recipe.stages[0], size=options.size)
    start = open_checkpoint(options.ckpt, "checkpoints").checkpoint
    run = TrainingRun(replace(recipe, stages=(stage,)), Path("unused"), no_data, {}, start=start)
    random = np.random.default_rng(0)
    shape = (options.batch, options.size, options.size)
    batch = random.random((*shape, 3), np.float32), random.integers(0, 2, (*shape, 1)).astype(np.float32)
    engines = {name: load_engine(name, run)(run, stage, 0) for name in ("compiled", "tensorflow")}
    for engine in engines.values():
        seconds_of(engine, batch, 2)
    rounds = [
        {name: seconds_of(engine, batch, options.steps) for name, engine in engines.items()}
        for _ in range(options.rounds)
    ]
    ratios = [[one["tensorflow"][i] / one["compiled"][i] for one in rounds] for i in (0, 1)]
    result = {
        "instructions": instruction_sets(load_library())[0],
        **{
            f"{name}_processor_seconds": round(statistics.median(one[name][1] for one in rounds), 4) for name in engines
        },
        "ratio_of_seconds": round(statistics.median(ratios[0]), 2),
        "ratio_of_processor_seconds": round(statistics.median(ratios[1]), 2),
        "ratios_of_processor_seconds": [round(ratio, 2) for ratio in ratios[1]],
        "load": round(os.getloadavg()[0], 2),
        "processors": os.cpu_count(),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
