"""The interface of an engine, which the training loop calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.network.variables import Weights
from mmnet.training.checkpoints import SavedStep
from mmnet.training.data.batches import Batch
from mmnet.training.recipes import Stage
from mmnet.training.run import TrainingRun

# Called after each step with its number, from 0, and the mean of each loss over the steps so far; "loss" is the
# weighted sum with the weight decay.
StepReport = Callable[[int, Mapping[str, float]], None]


class Engine(Protocol):
    """The network of one stage of a run, with its optimizer."""

    def fit(self, batches: Iterator[Batch], steps: int, report: StepReport) -> None:
        """Train on the next batches, one per step."""

    def weights(self) -> Weights:
        """Return the network's weights."""

    def averaged(self) -> AbstractContextManager[None]:
        """Let the network have the moving average of its weights inside the context, if the recipe keeps one."""

    def alphas(self, images: U8Array) -> F32Array:
        """Compute the alphas of uint8 images [N, S, S, 3]: float32 [N, S, S] in 0-1."""

    def state(self) -> dict[str, AnyArray]:
        """Return the state of the optimizer: the arrays by the names of `mmnet.training.engines.trained`."""

    def restore(self, saved: SavedStep) -> None:
        """Assign the weights and the optimizer's state of a checkpoint of this run.

        Raises:
            CheckpointCorruptError: the checkpoint does not hold them.
        """


# Makes the engine of a stage, given the steps of the run before the stage.
EngineBuilder = Callable[[TrainingRun, Stage, int], Engine]
