"""The network as it was trained, computed with NumPy: what an exported model is checked against.

It reads the checkpoint's variables and the table of blocks, and nothing of the inference graph: no folded norm, no
merged layer. It runs where TensorFlow is not installed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.network.blocks import NORM_EPSILON, walk
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.config import Sampling
from mmnet.network.variables import NORM_PARTS, ROOT, Weights, check_weights


def numpy_alphas(checkpoint: Checkpoint, images: U8Array) -> F32Array:
    """Compute the alphas of images in float32, from the network as it was trained.

    Args:
        checkpoint: the network.
        images: uint8 [N, size, size, 3], RGB.

    Returns:
        The alphas, float32 [N, size, size] in 0-1.

    Raises:
        VariableError: the weights do not belong to the checkpoint's configuration.
    """
    values = images.astype(np.float32) / np.float32(255)
    return np.stack([_alpha(numpy_outputs(checkpoint, image)["final_block"]) for image in values])


def numpy_outputs(checkpoint: Checkpoint, image: F32Array) -> dict[str, F32Array]:
    """Return the output of every block and head for an image, float32 [size, size, 3] in 0-1; heads give two logits.

    Raises:
        VariableError: the weights do not belong to the checkpoint's configuration.
    """
    check_weights(checkpoint.weights, checkpoint.config)
    layers = _ArrayLayers(checkpoint.weights, checkpoint.config.sampling)
    return walk(checkpoint.config, layers, image)


def _alpha(logits: F32Array) -> F32Array:
    """Return the second value of the softmax over two logits."""
    alpha: F32Array = (1 / (1 + np.exp(logits[..., 0] - logits[..., 1]))).astype(np.float32)
    return alpha


class _ArrayLayers:
    """A builder whose tensors are float32 arrays [height, width, channels]."""

    def __init__(self, weights: Weights, sampling: Sampling) -> None:
        self._weights = weights
        self._sampling = sampling

    def conv(
        self, x: F32Array, name: str, filters: int, *, kernel: int = 1, stride: int = 1, activation: bool = True
    ) -> F32Array:
        weights = self._weight(name, "weights")
        sums = sum(_mixed(part, weights[row, column]) for row, column, part in _taps(x, kernel, stride, 1))
        return self._norm(np.asarray(sums), name, activation)

    def depthwise(self, x: F32Array, name: str, *, stride: int = 1, rate: int = 1) -> F32Array:
        weights = self._weight(name, "depthwise_weights")
        sums = sum(part * weights[row, column, :, 0] for row, column, part in _taps(x, len(weights), stride, rate))
        return self._norm(np.asarray(sums), name, True)

    def concat(self, parts: Sequence[F32Array]) -> F32Array:
        return np.concatenate(parts, axis=2)

    def upsample(self, x: F32Array, name: str) -> F32Array:
        for axis in (0, 1):
            x = self._doubled(x.swapaxes(0, axis)).swapaxes(0, axis)
        return x

    def head(self, x: F32Array, name: str) -> F32Array:
        return _mixed(x, self._weight(name, "weights")[0, 0]) + self._weight(name, "biases")

    def _doubled(self, x: F32Array) -> F32Array:
        """Return twice as many rows, interpolated between the centres (or, in the legacy sampling, corners) of rows."""
        offset = 0.0 if self._sampling == "legacy" else 0.5
        positions = (np.arange(2 * len(x)) + offset) / 2 - offset
        low = np.floor(positions).astype(int)
        fraction = (positions - low)[:, None, None].astype(np.float32)
        last = len(x) - 1
        return np.asarray(x[low.clip(0, last)] * (1 - fraction) + x[(low + 1).clip(0, last)] * fraction)

    def _norm(self, x: F32Array, name: str, activation: bool) -> F32Array:
        beta, gamma, mean, variance = (self._weight(name, f"BatchNorm/{part}") for part in NORM_PARTS)
        scale = gamma / np.sqrt(variance + np.float32(NORM_EPSILON))
        x = (x - mean) * scale + beta
        return x.clip(0, 6) if activation else x

    def _weight(self, name: str, part: str) -> F32Array:
        return self._weights[f"{ROOT}{name}/{part}"]


def _mixed(x: F32Array, weights: F32Array) -> F32Array:
    """Return the channels of every pixel multiplied by a matrix [inputs, outputs]."""
    height, width, channels = x.shape
    return (x.reshape(-1, channels) @ weights).reshape(height, width, -1)


def _taps(x: F32Array, side: int, stride: int, rate: int) -> list[tuple[int, int, F32Array]]:
    """Return row and column of every tap of a kernel, and the pixels that it reads, with the padding 'SAME'.

    Args:
        x: float32 [height, width, channels].
        side: rows and columns of the kernel.
        stride: of the convolution.
        rate: of its dilation.
    """
    height, width, _ = x.shape
    rows, columns = -(-height // stride), -(-width // stride)
    reach = (side - 1) * rate + 1
    missing = [max((count - 1) * stride + reach - size, 0) for count, size in ((rows, height), (columns, width))]
    padded = np.pad(x, [(space // 2, space - space // 2) for space in missing] + [(0, 0)])
    return [
        (row, column, padded[row * rate :: stride, column * rate :: stride][:rows, :columns])
        for row in range(side)
        for column in range(side)
    ]
