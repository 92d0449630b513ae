"""Loading of Keras on a chosen backend."""

from __future__ import annotations

import importlib.util
import os
import sys
from types import ModuleType

from mmnet.errors import MissingExtraError, MMNetError
from mmnet.training.recipes import Recipe, RecipeError

BACKENDS = ("tensorflow", "jax")


class BackendError(MMNetError):
    """Keras cannot compute with the chosen backend."""


def load_keras(backend: str, recipe: Recipe) -> ModuleType:
    """Import Keras 3 on a backend, and return it.

    The first import decides on the backend of the process, so this sets the environment variable KERAS_BACKEND.

    On several JAX devices of one kind every batch is divided among them. The network is replicated and the batch norms
    see the whole batch (Keras' `DataParallel`), so the losses are those of one device.

    Args:
        backend: "tensorflow" or "jax".
        recipe: its batches must be divisible among the devices.

    Raises:
        BackendError: the backend is unknown, or Keras is already loaded with another.
        MissingExtraError: Keras or the backend is not installed.
        RecipeError: a stage's batch cannot be divided evenly.
    """
    if backend not in BACKENDS:
        raise BackendError(f"unknown backend {backend!r}; choose {' or '.join(BACKENDS)}")
    for package in ("keras", backend):
        if package not in sys.modules and importlib.util.find_spec(package) is None:
            raise MissingExtraError("jax" if package == "jax" else "train", package)
    if "keras" not in sys.modules:  # otherwise child processes would inherit a backend that is refused below
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
                "with batch=N"
            )
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
