"""Keras on the backend that was asked for."""

from __future__ import annotations

import importlib.util
import os
import sys
from types import ModuleType

from mmnet.errors import MissingExtraError, MMNetError
from mmnet.training.recipes import Recipe, RecipeError

BACKENDS = ("tensorflow", "jax")


class BackendError(MMNetError):
    """Keras cannot compute with the backend that was asked for."""


def load_keras(backend: str, recipe: Recipe) -> ModuleType:
    """Keras 3 on `backend`. Where JAX sees several devices of a kind, it divides every batch among them.

    The networks are replicated, the batch norms see the whole batch (Keras' `DataParallel`): the losses are those of
    one device.

    Args:
        backend: "tensorflow" or "jax".
        recipe: whose batches have to be divisible.

    Raises:
        BackendError: unknown, or Keras is loaded already with another one.
        MissingExtraError: Keras or the backend is not installed.
        RecipeError: a stage's batch cannot be divided evenly.
    """
    if backend not in BACKENDS:
        raise BackendError(f"backend {backend!r} is unknown; choose {' or '.join(BACKENDS)}")
    for package in ("keras", backend):
        if package not in sys.modules and importlib.util.find_spec(package) is None:
            raise MissingExtraError("jax" if package == "jax" else "train", package)
    if "keras" not in sys.modules:  # what is refused below leaves nothing to processes started from here
        os.environ["KERAS_BACKEND"] = backend
    import keras

    if keras.backend.backend() != backend:
        raise BackendError(f"Keras computes with {keras.backend.backend()} already; start a new process for {backend}")
    if backend == "jax":
        _divide(keras, recipe)
    return keras  # type: ignore[no-any-return]


def _divide(keras: ModuleType, recipe: Recipe) -> None:
    devices = keras.distribution.list_devices()
    if len(devices) < 2:
        return
    for stage in recipe.stages:
        if stage.batch % len(devices):
            raise RecipeError(
                f"batches of {stage.batch} images cannot be divided among {len(devices)} devices; choose a multiple "
                "with --batch"
            )
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
