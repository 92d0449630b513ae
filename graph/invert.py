"""The inverse of the rewriting: from trained kernels of the inference graph to the variables of the training graph.

A checkpoint holds the variables of the training graph. Every command reads them, float export rewrites them, and
`mmnet train --from` continues from them. Training in 8 bits changes the kernels of the rewritten graph instead. A
checkpoint that held both could contradict itself, so every rewriting is inverted: `inference_graph` of the result has
the trained kernels again, up to the rounding of float32.

The inverse is exact where the rewriting can make the trained kernels. One kernel is constrained to that while it
trains (`constraints`): the head, which is one weight per channel, interpolated. Norms are frozen: their statistics and
scales stay, and their shifts and the kernels change. Of two composed convolutions, the first changes. Layouts
(`mmnet.graph.layouts`) come after the training, so they have nothing to invert.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmnet.arrays import F32Array
from mmnet.errors import MMNetError
from mmnet.graph.operators import Conv, Depthwise, Graph, Node, training_graph
from mmnet.graph.rewrite import apply_rewrites, compose_convolutions, fold_norms, softmax_to_sigmoid
from mmnet.network.blocks import NORM_EPSILON
from mmnet.network.config import ModelConfig
from mmnet.network.variables import ROOT, Weights

_TOLERANCE = 1e-4
_MERGED = "/merged"
_PHASES = "/phases"


class InversionError(MMNetError):
    """Trained kernels that the variables of the training graph cannot express, which is a defect of this package."""

    exit_code = 3


@dataclass(frozen=True)
class Kernel:
    """The kernel and bias of one convolution, with the shapes of `Conv` or `Depthwise`."""

    kernel: F32Array
    bias: F32Array


Kernels = Mapping[str, Kernel]


def kernels_of(graph: Graph) -> dict[str, Kernel]:
    """Return the kernel and bias of every convolution, by the name of its node."""
    return {
        node.name: Kernel(node.op.kernel, node.op.bias) for node in graph.nodes if isinstance(node.op, Conv | Depthwise)
    }


def constraints(graph: Graph) -> dict[tuple[str, str], Callable[[Any], Any]]:
    """Return the constraints that keep the kernels of the inference graph within what the rewriting can make.

    Returns:
        (name of the node, `kernel` or `bias`) -> a function from a TensorFlow tensor to the nearest allowed tensor.
    """
    import tensorflow as tf

    head, interpolation = _head(graph), _interpolation(graph)
    projection = interpolation / np.float32(np.sum(interpolation**2))
    return {
        # Least squares for one weight per channel.
        (head.name, "kernel"): lambda kernel: (
            tf.reduce_sum(kernel * projection, axis=(0, 1, 3), keepdims=True) * interpolation
        ),
        (head.name, "bias"): lambda bias: tf.reduce_mean(bias) * tf.ones_like(bias),
    }


def _head(graph: Graph) -> Node:
    return next(node for node in graph.nodes if node.name.endswith(_PHASES))


def _interpolation(graph: Graph) -> F32Array:
    """The factors of a channel's weight in the head, up to a common factor: float32 [taps, taps, 1, phases]."""
    head = _head(graph)
    assert isinstance(head.op, Conv)
    strongest = int(np.abs(head.op.kernel).max(axis=(0, 1, 3)).argmax())
    kernel = head.op.kernel[:, :, strongest : strongest + 1]
    # With any sampling, the sum over the taps of a phase is the weight itself.
    return np.asarray(kernel / kernel.sum(axis=(0, 1)).mean(), np.float32)


def invert(config: ModelConfig, weights: Weights, trained: Kernels) -> dict[str, F32Array]:
    """Return the variables of the training graph from which the rewriting makes the trained kernels.

    Args:
        config: the configuration of the network.
        weights: its variables before the training.
        trained: the kernels of its inference graph after the training.

    Returns:
        Every variable by its TF-Slim name; the auxiliary head and the statistics are those of `weights`.

    Raises:
        InversionError: the rewriting of the result does not give the trained kernels.
    """
    graph = training_graph(config, weights)
    folded = softmax_to_sigmoid(fold_norms(graph))
    before = kernels_of(folded)
    after = _separate(trained, before)
    after |= _decompose(folded, before, after)
    result = {name: value.copy() for name, value in weights.items()}
    for name, kernel in after.items():
        if f"{ROOT}{name}/BatchNorm/gamma" in weights:
            _invert_norm(result, name, kernel)
        else:
            _invert_head(result, name, kernel)
    _check(config, result, trained)
    return result


def _separate(trained: Kernels, before: Kernels) -> dict[str, Kernel]:
    """Invert merging and interpolation: the kernels as they are after composition."""
    separate: dict[str, Kernel] = {}
    for name, entry in trained.items():
        if name.endswith(_PHASES):
            head = name.removesuffix(_PHASES)
            taps = entry.kernel.sum(axis=(0, 1)).mean(axis=1)
            separate[head] = Kernel(taps[None, None, :, None], entry.bias.mean(keepdims=True))
        elif name.endswith(_MERGED):
            separate |= _split(name.removesuffix(_MERGED), entry, before)
        else:
            separate[name] = entry
    return separate


def _split(first: str, merged: Kernel, before: Kernels) -> dict[str, Kernel]:
    separate: dict[str, Kernel] = {}
    start = 0
    for index in range(len(before)):
        name = first.replace("/branch0/", f"/branch{index}/")
        if name not in before:
            break
        part = slice(start, start + len(before[name].bias))
        depthwise = "depthwise" in name
        kernel = merged.kernel[:, :, part] if depthwise else merged.kernel[..., part]
        separate[name] = Kernel(kernel, merged.bias[part])
        start = part.stop
    return separate


def _decompose(folded: Graph, before: Kernels, after: Kernels) -> dict[str, Kernel]:
    """Invert composition: of two composed convolutions, the second keeps its kernel and the first changes."""
    composed = kernels_of(compose_convolutions(folded))
    parts: dict[str, Kernel] = {}
    for name in before:
        if name in composed or name in after:
            continue
        reader = folded.only_reader(name)
        assert reader is not None
        first, second, product = before[name], before[reader.name], after[reader.name]
        left, right = (entry.kernel[0, 0].astype(np.float64) for entry in (first, second))
        left = left + (product.kernel[0, 0] - left @ right) @ np.linalg.pinv(right)
        parts[name] = Kernel(left[None, None].astype(np.float32), first.bias)
        parts[reader.name] = Kernel(second.kernel, product.bias - first.bias @ second.kernel[0, 0])
    return parts


def _invert_norm(weights: dict[str, F32Array], name: str, trained: Kernel) -> None:
    beta, gamma, mean, variance = (
        f"{ROOT}{name}/BatchNorm/{part}" for part in ("beta", "gamma", "moving_mean", "moving_variance")
    )
    deviation = np.sqrt(weights[variance] + np.float32(NORM_EPSILON))
    # A scale of zero had switched this channel off. It gets a scale of one, in case training made the channel useful.
    weights[gamma] = np.where(np.abs(weights[gamma]) < 1e-12, deviation, weights[gamma]).astype(np.float32)
    scale = weights[gamma] / deviation
    depthwise = f"{ROOT}{name}/depthwise_weights"
    if depthwise in weights:
        weights[depthwise] = (trained.kernel / scale[:, None]).astype(np.float32)
    else:
        weights[f"{ROOT}{name}/weights"] = (trained.kernel / scale).astype(np.float32)
    weights[beta] = (trained.bias + weights[mean] * scale).astype(np.float32)


def _invert_head(weights: dict[str, F32Array], name: str, trained: Kernel) -> None:
    """Invert the difference of the two logits, whose mean stays."""
    for variable, difference in ((f"{ROOT}{name}/weights", trained.kernel), (f"{ROOT}{name}/biases", trained.bias)):
        mean = weights[variable].mean(axis=-1, keepdims=True)
        weights[variable] = np.concatenate([mean - difference / 2, mean + difference / 2], -1).astype(np.float32)


def _check(config: ModelConfig, weights: Weights, trained: Kernels) -> None:
    rewritten = kernels_of(apply_rewrites(training_graph(config, weights)))
    for name, expected in trained.items():
        pairs = ((rewritten[name].kernel, expected.kernel), (rewritten[name].bias, expected.bias))
        for result, value in pairs:
            error = float(np.abs(result - value).max())
            if error > _TOLERANCE * max(1.0, float(np.abs(value).max())):
                raise InversionError(
                    f"{name}: the trained kernel cannot be inverted into the checkpoint (error {error:.2e})"
                )
