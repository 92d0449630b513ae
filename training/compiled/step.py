"""The losses, gradients and alphas of a network with frozen batch norms, computed by the library."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Mapping

import numpy as np

from mmnet.arrays import AnyArray, F32Array
from mmnet.evaluation.machine import usable_cores
from mmnet.network.config import ModelConfig
from mmnet.network.variables import Weights, check_weights
from mmnet.training.compiled.folding import Folding
from mmnet.training.compiled.library import (
    INSTRUCTION_SETS,
    LOSSES,
    NotCompiledError,
    Op,
    Plan,
    instruction_sets,
    load_library,
)
from mmnet.training.compiled.table import KINDS, Table, build_table
from mmnet.training.engines.trained import TrainedWeights
from mmnet.training.recipes import LOSSES as LOSS_NAMES

_NONE, _SET, _ADD = 0, 1, 2  # what happens to the gradient of a map, in train.h


class CompiledStep:
    """The step of a network for batches of one size.

    Results do not depend on the number of threads. Instruction sets differ in the last bits, because the length of
    their vectors decides on the order of sums.

    Attributes:
        trained: the order of the weights in the vectors.
    """

    def __init__(
        self,
        config: ModelConfig,
        images: int,
        weights: Weights,
        loss_weights: Mapping[str, float],
        *,
        threads: int | None = None,
        instructions: str | None = None,
    ) -> None:
        """Open a trainer of the library.

        Args:
            config: the network.
            images: per step.
            weights: the moving statistics of the norms are taken from these.
            loss_weights: loss → its weight.
            threads: number of threads; None: one per core. Each takes memory for one image.
            instructions: one of `instruction_sets`; None: the fastest.

        Raises:
            NotCompiledError: the library is missing.
            VariableError: the weights do not belong to the configuration.
            MemoryError: there is not enough memory.
        """
        check_weights(weights, config)
        self._library = load_library()
        self.trained = TrainedWeights(config)
        self._size, self._images = config.size, images
        table = build_table(config)
        self._parameters = table.parameters
        self._folding = Folding(table, self.trained, weights)
        known = instruction_sets(self._library)
        if instructions is not None and instructions not in known:
            raise NotCompiledError(f"this processor has no {instructions}; choose one of {', '.join(known)}")
        plan, ops, maps = _arguments(table, config, images, loss_weights)
        threads = min(threads or usable_cores(), images)
        number = INSTRUCTION_SETS[instructions or known[0]]
        self._trainer = self._library.mmnet_train_open(ctypes.byref(plan), ops, maps, threads, number)
        if not self._trainer:
            raise MemoryError(f"no memory for a training step of {images} images of {config.size}×{config.size}")
        weakref.finalize(self, self._library.mmnet_train_close, self._trainer)

    def losses_and_gradients(
        self, vector: F32Array, images: F32Array, mattes: F32Array
    ) -> tuple[dict[str, float], F32Array]:
        """Compute the losses of a batch, and the gradients of their weighted sum.

        Args:
            vector: the trained weights (`TrainedWeights.vector`).
            images: float32 [N, S, S, 3] in 0-1, with N and S of this step.
            mattes: float32 [N, S, S, 1] in 0-1.

        Returns:
            The terms of `mmnet.training.losses.matting_losses` by name, and the gradients by the weights.

        Raises:
            ValueError: the arrays have other shapes.
        """
        parameters = self._folding.parameters(vector)
        shape = (self._images, self._size, self._size)
        gradients, losses = np.empty_like(parameters), np.empty(LOSSES)
        arrays = (
            parameters,
            _checked(images, (*shape, 3)),
            _checked(mattes, (*shape, 1)),
            gradients,
            losses,
        )
        self._library.mmnet_train_step(self._trainer, *(array.ctypes.data for array in arrays))
        return dict(zip(LOSS_NAMES, losses.tolist(), strict=True)), self._folding.gradients(vector, gradients)

    def alphas(self, vector: F32Array, images: F32Array) -> F32Array:
        """Compute the alphas of images.

        Args:
            vector: the trained weights.
            images: float32 [any number, S, S, 3] in 0-1.

        Returns:
            The alphas, float32 [number, S, S] in 0-1.

        Raises:
            ValueError: the images have another shape.
        """
        images = _checked(images, (len(images), self._size, self._size, 3))
        alphas = np.empty(images.shape[:3], np.float32)
        parameters = self._folding.parameters(vector)
        self._library.mmnet_train_alphas(
            self._trainer, parameters.ctypes.data, images.ctypes.data, len(images), alphas.ctypes.data
        )
        return alphas


def _checked(array: AnyArray, shape: tuple[int, ...]) -> F32Array:
    """Return what the library reads, which would read past the end of a smaller array."""
    if array.shape != shape:
        raise ValueError(f"this step takes arrays of the shape {shape}; this one has {array.shape}")
    return np.ascontiguousarray(array, np.float32)


def _arguments(
    table: Table, config: ModelConfig, images: int, loss_weights: Mapping[str, float]
) -> tuple[Plan, ctypes.Array[Op], ctypes.Array[ctypes.c_int32]]:
    """Return what the library takes for a network: the sizes, the operators, and channels and side of each map."""
    maps = table.maps
    numbers = {id(each): number for number, each in enumerate(maps)}
    ops = (Op * len(table.operators))(
        *(
            Op(
                KINDS[operator.kind],
                numbers[id(operator.source)],
                operator.source.channels,
                operator.source.side,
                numbers[id(operator.target.stored)],
                operator.target.offset,
                operator.target.channels,
                operator.target.side,
                operator.stride,
                operator.rate,
                operator.activation,
                operator.kernel,
                operator.bias,
            )
            for operator in table.operators
        )
    )
    written: set[int] = {0}  # nothing is computed before the columns of the image
    for op in reversed(ops):
        op.gradient = _NONE if op.source == 0 else _ADD if op.source in written else _SET
        written.add(op.source)
    final, auxiliary = table.heads["final_block"], table.heads["aux_block"]
    plan = Plan(
        len(ops),
        len(maps),
        table.parameters,
        config.size,
        images,
        config.sampling == "half_pixel",
        numbers[id(final)],
        numbers[id(auxiliary)],
        auxiliary.side,
        tuple(loss_weights[name] for name in LOSS_NAMES),
    )
    shapes = (ctypes.c_int32 * (2 * len(maps)))(*(value for each in maps for value in (each.channels, each.side)))
    return plan, ops, shapes
