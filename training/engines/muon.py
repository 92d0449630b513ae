"""Muon, an optimizer for matrices of weights.

Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024: Nesterov's momentum, whose
matrix is brought close to an orthogonal one by five steps of a Newton-Schulz iteration. The factor of the learning rate
is that of Liu et al., "Muon is scalable for LLM training", 2025, with which Muon and Adam share one learning rate.
"""

from __future__ import annotations

import math

import numpy as np

from mmnet.arrays import AnyArray, F32Array
from mmnet.network.blocks import HEADS
from mmnet.network.variables import ROOT, Shape

_MOMENTUM = 0.95
_ITERATIONS = 5
_COEFFICIENTS = np.float32(3.4445), np.float32(-4.7750), np.float32(2.0315)


def muon_matrices(shapes: dict[str, Shape]) -> list[str]:
    """List the variables that Muon trains: the weights of 1×1 convolutions, without the heads.

    Args:
        shapes: TF-Slim name → shape of the trained variables.
    """
    heads = tuple(f"{ROOT}{head}/" for head in HEADS)
    return [
        name
        for name, shape in shapes.items()
        if name.endswith("/weights") and shape[:2] == (1, 1) and not name.startswith(heads)
    ]


def muon_step(gradient: F32Array, momentum: F32Array, rate: float) -> tuple[F32Array, F32Array]:
    """Return the new momentum, and what a step subtracts from the weights.

    Args:
        gradient: float32 [inputs, outputs].
        momentum: moving average of the earlier gradients, of the same shape; zeros before the first step.
        rate: the learning rate.
    """
    momentum = momentum + (gradient - momentum) * np.float32(1 - _MOMENTUM)
    ahead = gradient * np.float32(1 - _MOMENTUM) + momentum * np.float32(_MOMENTUM)
    factor = np.float32(rate * 0.2 * math.sqrt(max(gradient.shape)))
    return momentum, factor * _orthogonal(ahead)


def _orthogonal(matrix: F32Array) -> F32Array:
    """Return a matrix with the singular vectors of another, and with singular values of about 1 (0.7 to 1.2)."""
    tall = matrix.shape[0] > matrix.shape[1]
    x: AnyArray = matrix.T if tall else matrix
    x = x / np.float32(np.linalg.norm(x) + 1e-12)
    a, b, c = _COEFFICIENTS
    for _ in range(_ITERATIONS):
        square = x @ x.T
        x = a * x + (b * square + c * (square @ square)) @ x
    return np.asarray(x.T if tall else x, np.float32)
