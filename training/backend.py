"""The choice of the backend: what computes a training."""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import partial
from types import ModuleType

from mmnet.errors import MissingExtraError, MMNetError
from mmnet.network.checkpoint import read_document
from mmnet.training.checkpoints import step_folders
from mmnet.training.engines.compiled_engine import CompiledEngine, check_run
from mmnet.training.engines.engine import EngineBuilder
from mmnet.training.recipes import Recipe, RecipeError, Stage
from mmnet.training.run import TrainingRun

COMPILED = "compiled"
KERAS_BACKENDS = ("tensorflow", "jax")
BACKENDS = (*KERAS_BACKENDS, COMPILED)


class BackendError(MMNetError):
    """The chosen backend cannot compute."""


def load_engine(backend: str, run: TrainingRun) -> EngineBuilder:
    """Return what makes the engine of each stage of a run.

    Args:
        backend: one of `BACKENDS`.
        run: the run; its newest checkpoint tells which stages are left.

    Raises:
        BackendError: the backend is unknown, or Keras is already loaded with another.
        MissingExtraError: Keras or the backend is not installed.
        NotCompiledError: the compiled step was not built.
        RecipeError: the backend cannot train this run.
    """
    if backend == COMPILED:
        check_run(run, _stages_left(run))
        return CompiledEngine
    if backend not in BACKENDS:
        raise BackendError(f"unknown backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    from mmnet.training.engines.keras_engine import KerasEngine

    return partial(KerasEngine, load_keras(backend, run.recipe))


def _stages_left(run: TrainingRun) -> list[Stage]:
    folders = step_folders(run.folder)
    done = read_document(folders[-1])["step"] - run.first_step if folders else 0
    left, end = [], 0
    for stage in run.recipe.stages:
        end += stage.steps
        if done < end:
            left.append(stage)
    return left


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
    if backend not in KERAS_BACKENDS:
        raise BackendError(f"Keras has no backend {backend!r} here; choose {' or '.join(KERAS_BACKENDS)}")
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
