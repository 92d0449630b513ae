"""From trained kernels of the inference graph back to the variables of the training graph.

A checkpoint holds the training graph's variables: that is what every command reads, what float export rewrites and
what `mmnet train --from` goes on with. Training in 8 bits changes the kernels of the rewritten graph. Rather than
keep both, which could contradict each other, every step of the rewriting is undone: `inference_graph` of the result
has the trained kernels again, up to rounding in float32.

Undoing is exact where the trained kernels stay within what the rewriting can make. Two are constrained to that while
they train (`constraints`): the packed first convolution, one of whose taps is padding, and the head, which holds
one weight a channel, interpolated. Norms are frozen: their statistics and scales stay, shifts and kernels take up the
change. Of two convolutions that were composed, the first takes it up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmnet.errors import MMNetError
from mmnet.graph.operators import Array, Conv, Depthwise, Graph, Node, training_graph
from mmnet.graph.rewrite import apply_rewrites, compose_convolutions, fold_norms, softmax_to_sigmoid
from mmnet.network.blocks import NORM_EPSILON
from mmnet.network.config import ModelConfig
from mmnet.network.variables import ROOT, Weights

_TOLERANCE = 1e-4
_MERGED = "/merged"
_PHASES = "/phases"


class InversionError(MMNetError):
    """The trained kernels cannot be expressed in the training graph's variables: a defect of ours."""

    exit_code = 3


@dataclass(frozen=True)
class Kernel:
    """Kernel and bias of one convolution, shaped as in `Conv` or `Depthwise`."""

    kernel: Array
    bias: Array


Kernels = Mapping[str, Kernel]


def kernels_of(graph: Graph) -> dict[str, Kernel]:
    """Every convolution's kernel and bias by the name of its node."""
    return {
        node.name: Kernel(node.op.kernel, node.op.bias) for node in graph.nodes if isinstance(node.op, Conv | Depthwise)
    }


def constraints(graph: Graph) -> dict[tuple[str, str], Callable[[Any], Any]]:
    """What keeps the kernels of the inference graph within what the rewriting can make.

    Returns:
        (name of the node, `kernel` or `bias`) -> a function from a TensorFlow tensor to the nearest allowed one.
    """
    import tensorflow as tf

    first, head, interpolation = graph.nodes[2], _head(graph), _interpolation(graph)
    assert isinstance(first.op, Conv)
    mask = np.ones(first.op.kernel.shape, np.float32)
    mask[:, -1, first.op.kernel.shape[2] // 2 :] = 0
    share = interpolation / np.float32(np.sum(interpolation**2))
    return {
        (first.name, "kernel"): lambda kernel: kernel * mask,
        # Least squares for one weight a channel.
        (head.name, "kernel"): lambda kernel: (
            tf.reduce_sum(kernel * share, axis=(0, 1, 3), keepdims=True) * interpolation
        ),
        (head.name, "bias"): lambda bias: tf.reduce_mean(bias) * tf.ones_like(bias),
    }


def _head(graph: Graph) -> Node:
    return next(node for node in graph.nodes if node.name.endswith(_PHASES))


def _interpolation(graph: Graph) -> Array:
    """[taps, taps, 1, phases]: what the head multiplies a channel's weight with, up to a common factor."""
    head = _head(graph)
    assert isinstance(head.op, Conv)
    strongest = int(np.abs(head.op.kernel).max(axis=(0, 1, 3)).argmax())
    kernel = head.op.kernel[:, :, strongest : strongest + 1]
    # The pixel that falls on an input pixel takes all of it with `legacy`; with any sampling the sum over the taps of
    # a phase is the weight itself.
    return np.asarray(kernel / kernel.sum(axis=(0, 1)).mean(), np.float32)


def invert(config: ModelConfig, weights: Weights, trained: Kernels) -> dict[str, Array]:
    """The training graph's variables from which the rewriting makes the trained kernels.

    Args:
        config: of the network.
        weights: before the training.
        trained: kernels of the inference graph after it.

    Returns:
        Every variable by its TF-Slim name; the auxiliary head and the statistics are those of `weights`.

    Raises:
        InversionError: the rewriting of the result is not what was trained.
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
    """Without packing, merging and interpolation."""
    separate: dict[str, Kernel] = {}
    for name, entry in trained.items():
        if name.endswith(_PHASES):
            head = name.removesuffix(_PHASES)
            taps = entry.kernel.sum(axis=(0, 1)).mean(axis=1)
            separate[head] = Kernel(taps[None, None, :, None], entry.bias.mean(keepdims=True))
        elif name.endswith(_MERGED):
            separate |= _split(name.removesuffix(_MERGED), entry, before)
        elif entry.kernel.shape[:2] != before[name].kernel.shape[:2]:
            rows, columns, channels, filters = before[name].kernel.shape
            unpacked = entry.kernel.reshape(rows, columns + 1, channels, filters)[:, :columns]
            separate[name] = Kernel(unpacked, entry.bias)
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
    """Of two composed convolutions, the second keeps its kernel and the first takes up the change of the product."""
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


def _invert_norm(weights: dict[str, Array], name: str, trained: Kernel) -> None:
    beta, gamma, mean, variance = (
        f"{ROOT}{name}/BatchNorm/{part}" for part in ("beta", "gamma", "moving_mean", "moving_variance")
    )
    deviation = np.sqrt(weights[variance] + np.float32(NORM_EPSILON))
    # A channel that the norm had switched off is switched on again, should training have found a use for it.
    weights[gamma] = np.where(np.abs(weights[gamma]) < 1e-12, deviation, weights[gamma]).astype(np.float32)
    scale = weights[gamma] / deviation
    depthwise = f"{ROOT}{name}/depthwise_weights"
    if depthwise in weights:
        weights[depthwise] = (trained.kernel / scale[:, None]).astype(np.float32)
    else:
        weights[f"{ROOT}{name}/weights"] = (trained.kernel / scale).astype(np.float32)
    weights[beta] = (trained.bias + weights[mean] * scale).astype(np.float32)


def _invert_head(weights: dict[str, Array], name: str, trained: Kernel) -> None:
    """One logit, the difference, back to two whose mean stays."""
    for variable, difference in ((f"{ROOT}{name}/weights", trained.kernel), (f"{ROOT}{name}/biases", trained.bias)):
        mean = weights[variable].mean(axis=-1, keepdims=True)
        weights[variable] = np.concatenate([mean - difference / 2, mean + difference / 2], -1).astype(np.float32)


def _check(config: ModelConfig, weights: Weights, trained: Kernels) -> None:
    made = kernels_of(apply_rewrites(training_graph(config, weights)))
    for name, wanted in trained.items():
        for found, value in ((made[name].kernel, wanted.kernel), (made[name].bias, wanted.bias)):
            error = float(np.abs(found - value).max())
            if error > _TOLERANCE * max(1.0, float(np.abs(value).max())):
                raise InversionError(
                    f"{name}: the trained kernel cannot be inverted into the checkpoint, by {error:.2e}"
                )
