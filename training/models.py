"""Keras models for training: the network with its loss, and a frozen teacher."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any

from mmnet.network.checkpoint import Checkpoint
from mmnet.network.keras_network import assign_weights, build_keras
from mmnet.training.losses import alphas_of, matting_losses, weight_decay
from mmnet.training.recipes import Recipe


def frozen_network(keras: ModuleType, checkpoint: Checkpoint, size: int) -> Any:
    """Build the network of a checkpoint for images of `size` pixels; it is not trainable."""
    config = replace(checkpoint.config, size=size)
    network = build_keras(config, keras)
    assign_weights(network, checkpoint.weights, config)
    network.trainable = False
    return network


def training_model(
    keras: ModuleType, network: Any, recipe: Recipe, teacher: Any = None, *, frozen_norms: bool = False
) -> Any:
    """Return a Keras model of a network with the recipe's loss, to be compiled and fitted.

    Each term of the loss is a metric as well. With a teacher the labels are mixed with its alphas before they are
    compared with (distillation; Hinton et al., 2015, with soft mattes for the soft targets of the classes).

    Args:
        keras: Keras 3.
        network: from `build_keras`.
        recipe: its loss weights, weight decay and teacher's share.
        teacher: from `frozen_network`, or None.
        frozen_norms: whether the batch norms use their moving statistics, and keep them.
    """

    class Training(keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.network, self.teacher = network, teacher
            self.loss_means = {name: keras.metrics.Mean(name) for name in recipe.weights}

        def call(self, images: Any, training: bool = False) -> Any:
            return self.network(images, training=training and not frozen_norms)

        def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
            if self.teacher is not None:
                taught = alphas_of(keras, self.teacher(x, training=False)["final_block"])
                y = (1 - recipe.teacher_share) * y + recipe.teacher_share * taught
            losses = matting_losses(keras, x, y, y_pred["final_block"], y_pred["aux_block"])
            for name, loss in losses.items():
                self.loss_means[name].update_state(loss)
            total = sum(recipe.weights[name] * loss for name, loss in losses.items())
            return total + weight_decay(keras, self.network, recipe.weight_decay)

    return Training()


@contextmanager
def precision(keras: ModuleType, recipe: Recipe) -> Iterator[None]:
    """Let layers that are built inside the context compute in the recipe's precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.mixed_precision else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
