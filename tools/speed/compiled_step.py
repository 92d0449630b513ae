"""Measure the compiled training step against TensorFlow's, on one batch in memory.

Both compute the losses and their gradients for the same network with frozen batch norms. Rounds alternate between them.
The processor seconds hardly depend on the other work of the machine.

    python tools/speed/compiled_step.py --size 256 --batch 8 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mmnet.network.checkpoint import Checkpoint
from mmnet.network.keras_network import assign_weights, build_keras
from mmnet.network.resolve import open_checkpoint
from mmnet.training.backend import load_keras
from mmnet.training.compiled.library import instruction_sets, load_library
from mmnet.training.compiled.step import CompiledStep
from mmnet.training.losses import matting_losses
from mmnet.training.recipes import find_recipe


def tensorflow_step(checkpoint: Checkpoint, images: Any, mattes: Any, weights: Any) -> Callable[[], object]:
    """Return a function that computes losses and gradients with a traced function of TensorFlow."""
    keras = load_keras("tensorflow", find_recipe("whole-people-finish"))
    import tensorflow as tf

    model = build_keras(checkpoint.config, keras)
    assign_weights(model, checkpoint.weights, checkpoint.config)
    variables = [variable.value for variable in model.trainable_variables]
    inputs, labels = tf.constant(images), tf.constant(mattes)

    @tf.function  # type: ignore[untyped-decorator]
    def step() -> Any:
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=False)
            losses = matting_losses(keras, inputs, labels, outputs["final_block"], outputs["aux_block"])
            total = sum(weights[name] * loss for name, loss in losses.items())
        return total, tape.gradient(total, variables)

    return lambda: float(step()[0])


def seconds_of(step: Callable[[], object], steps: int) -> tuple[float, float]:
    """Return the seconds and the processor seconds per step."""
    began, busy = time.perf_counter(), time.process_time()
    for _ in range(steps):
        step()
    return (time.perf_counter() - began) / steps, (time.process_time() - busy) / steps


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with the options of the command line, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ckpt", default="checkpoints/mmnet-1.0", help="network (checkpoints/mmnet-1.0)")
    parser.add_argument("--size", type=int, default=256, help="input size (256)")
    parser.add_argument("--batch", type=int, default=8, help="images per step (8)")
    parser.add_argument("--steps", type=int, default=3, help="steps per round (3)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind (5)")
    options = parser.parse_args(arguments)

    checkpoint = open_checkpoint(options.ckpt, "checkpoints").checkpoint.resized(options.size)
    weights = find_recipe("whole-people-finish").weights
    random = np.random.default_rng(0)
    shape = (options.batch, options.size, options.size)
    images = random.random((*shape, 3), np.float32)
    mattes = random.integers(0, 2, (*shape, 1)).astype(np.float32)
    compiled = CompiledStep(checkpoint.config, options.batch, checkpoint.weights, weights)
    vector = compiled.trained.vector(checkpoint.weights)
    steps: dict[str, Callable[[], object]] = {
        "compiled": lambda: compiled.losses_and_gradients(vector, images, mattes),
        "tensorflow": tensorflow_step(checkpoint, images, mattes, weights),
    }
    for step in steps.values():
        seconds_of(step, 2)
    rounds = [{name: seconds_of(step, options.steps) for name, step in steps.items()} for _ in range(options.rounds)]
    ratios = [[one["tensorflow"][i] / one["compiled"][i] for one in rounds] for i in (0, 1)]
    result = {
        "instructions": instruction_sets(load_library())[0],
        **{f"{name}_processor_seconds": round(statistics.median(one[name][1] for one in rounds), 4) for name in steps},
        "ratio_of_seconds": round(statistics.median(ratios[0]), 2),
        "ratio_of_processor_seconds": round(statistics.median(ratios[1]), 2),
        "ratios_of_processor_seconds": [round(ratio, 2) for ratio in ratios[1]],
        "load": round(os.getloadavg()[0], 2),
        "processors": os.cpu_count(),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
