"""MMNet in NumPy, the reference for the other implementations.

It was written from the paper's table, independently of the code under test, and is meant to be read, not to be fast.
Everything is float64; images are [height, width, channels].
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array

Array = NDArray[np.float64]

# block: (input, expanded width, output width, dilation rates, stride); widths are those of multiplier 1.0.
ENCODER = {
    "enc_block0": ("init_block", 16, 16, [1, 2, 4, 8], 2),
    "enc_block1": ("enc_block0", 16, 24, [1, 2, 4, 8], 1),
    "enc_block2": ("enc_block1", 24, 24, [1, 2, 4, 8], 1),
    "enc_block3": ("enc_block2", 24, 24, [1, 2, 4, 8], 1),
    "enc_block4": ("enc_block3", 32, 40, [1, 2, 4], 2),
    "enc_block5": ("enc_block4", 64, 40, [1, 2, 4], 1),
    "enc_block6": ("enc_block5", 64, 40, [1, 2, 4], 1),
    "enc_block7": ("enc_block6", 64, 40, [1, 2, 4], 1),
    "enc_block8": ("enc_block7", 80, 80, [1, 2], 2),
    "enc_block9": ("enc_block8", 120, 80, [1, 2], 1),
}
REFINEMENT = {
    "dec_block2": ("dec_block1", 40, 40, [1, 2, 4], 1),
    "dec_block3": ("dec_block2", 40, 40, [1, 2, 4], 1),
}


def convolve(image: Array, kernel: Array, stride: int = 1, rate: int = 1) -> Array:
    """Return the cross-correlation with zero padding ('SAME'); kernel [height, width, inputs, outputs]."""
    height, width, _ = image.shape
    rows, columns = -(-height // stride), -(-width // stride)
    side = (kernel.shape[0] - 1) * rate + 1
    above = max((rows - 1) * stride + side - height, 0) // 2
    left = max((columns - 1) * stride + side - width, 0) // 2
    padded = np.zeros((height + 2 * side, width + 2 * side, image.shape[2]))
    padded[above : above + height, left : left + width] = image
    result = np.zeros((rows, columns, kernel.shape[3]))
    for dy in range(kernel.shape[0]):
        for dx in range(kernel.shape[1]):
            y, x = dy * rate, dx * rate
            shifted = padded[y : y + rows * stride : stride, x : x + columns * stride : stride]
            result += shifted @ kernel[dy, dx]
    return result


def convolve_depthwise(image: Array, kernel: Array, stride: int = 1, rate: int = 1) -> Array:
    """Return each channel convolved with its own 3x3 kernel; kernel [3, 3, channels, 1]."""
    single = [convolve(image[..., c : c + 1], kernel[:, :, c : c + 1], stride, rate) for c in range(image.shape[2])]
    return np.concatenate(single, axis=2)


def double(image: Array, sampling: str) -> Array:
    """Return the image resized bilinearly to twice the size, pixel by pixel along each axis."""

    def along_rows(lines: Array) -> Array:
        result = []
        for row in range(2 * len(lines)):
            position = row / 2 if sampling == "legacy" else (row + 0.5) / 2 - 0.5
            low = int(np.floor(position))
            fraction = position - low
            first, second = (lines[min(max(index, 0), len(lines) - 1)] for index in (low, low + 1))
            result.append((1 - fraction) * first + fraction * second)
        return np.stack(result)

    return along_rows(along_rows(image).swapaxes(0, 1)).swapaxes(0, 1)


class NumpyMMNet:
    """The network with the given weights (by TF-Slim names), width multiplier and sampling."""

    def __init__(self, weights: Mapping[str, F32Array], width: float, sampling: str) -> None:
        self.weights = {name.removeprefix("MMNet/"): np.asarray(w, np.float64) for name, w in weights.items()}
        self.width = width
        self.sampling = sampling

    def __call__(self, image: F32Array) -> dict[str, Array]:
        """Return the output of every block for an image [size, size, 3] in 0-1; the two heads give logits."""
        out = {"init_block": self.normalised(image.astype(np.float64), "init_block/conv", stride=2)}
        for name, (source, _, _, rates, stride) in ENCODER.items():
            out[name] = self.branches(out[source], name, rates, stride, activation=name == "enc_block9")
        for name, source, shortcut in (
            ("dec_block0", "enc_block9", "enc_block4"),
            ("dec_block1", "dec_block0", "enc_block0"),
        ):
            up = double(self.normalised(out[source], f"{name}/pointwise_conv"), self.sampling)
            refined = self.normalised(out[shortcut], f"{name}/shortcut/depthwise_conv")
            refined = self.normalised(refined, f"{name}/shortcut/pointwise_conv")
            out[name] = np.concatenate([up, refined], axis=2)
        for name, (source, _, _, rates, stride) in REFINEMENT.items():
            out[name] = self.branches(out[source], name, rates, stride, activation=False)
        half = double(self.normalised(out["dec_block3"], "dec_block4/pointwise_conv"), self.sampling)
        out["dec_block4"] = double(half, self.sampling)
        out["final_block"] = self.head(out["dec_block4"], "final_block/pointwise_conv")
        out["aux_block"] = self.head(out["enc_block9"], "aux_block/pointwise_conv")
        return out

    def branches(self, x: Array, name: str, rates: list[int], stride: int, *, activation: bool) -> Array:
        parts = []
        for index, rate in enumerate(rates):
            part = self.normalised(x, f"{name}/branch{index}/pointwise_conv")
            if stride == 2:
                part = self.normalised(part, f"{name}/branch{index}/depthwise_conv_stride", stride=2)
            parts.append(self.normalised(part, f"{name}/branch{index}/depthwise_conv_dilation", rate=rate))
        return self.normalised(np.concatenate(parts, axis=2), f"{name}/merge/pointwise_conv", activation=activation)

    def normalised(self, x: Array, name: str, stride: int = 1, rate: int = 1, *, activation: bool = True) -> Array:
        """Return convolution -> batch norm -> ReLU6."""
        w = self.weights
        if f"{name}/depthwise_weights" in w:
            x = convolve_depthwise(x, w[f"{name}/depthwise_weights"], stride, rate)
        else:
            x = convolve(x, w[f"{name}/weights"], stride, rate)
        norm = f"{name}/BatchNorm"
        x = (x - w[f"{norm}/moving_mean"]) / np.sqrt(w[f"{norm}/moving_variance"] + 1e-3)
        x = x * w[f"{norm}/gamma"] + w[f"{norm}/beta"]
        return x.clip(0, 6) if activation else x

    def head(self, x: Array, name: str) -> Array:
        return convolve(x, self.weights[f"{name}/weights"]) + self.weights[f"{name}/biases"]
