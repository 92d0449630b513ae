"""The losses that MMNet is trained with, computed on tensors of any Keras backend."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

# Sobel's kernel divided by 8, so that the gradient of a ramp is its slope.
_SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32) / 8


def matting_losses(keras: ModuleType, images: Any, mattes: Any, logits: Any, aux_logits: Any = None) -> dict[str, Any]:
    """Return the five terms of MMNet's loss, each a scalar; the published loss is their sum.

    Source: Seo et al. (2019), section 3.3, and the original code. The original compositional term divides the image by
    255 once too often; this one does not, and so is 255 times as large.

    Args:
        keras: Keras 3.
        images: float [N, S, S, 3] in 0-1.
        mattes: float [N, S, S, 1] in 0-1, α*.
        logits: [N, S, S, 2], of any float dtype; everything is computed in float32.
        aux_logits: [N, S/16, S/16, 2], of the auxiliary head; None for a network without it, which has four terms.

    Returns:
        alpha: mean |α − α*|; compositional: mean |α·I − α*·I|; gradient: mean absolute difference of the Sobel
        gradients; cross_entropy: of the logits against (1 − α*, α*); auxiliary: the same for the auxiliary head
        against α* resized with nearest neighbour.
    """
    ops = keras.ops
    logits = ops.cast(logits, "float32")
    difference = alphas_of(keras, logits) - mattes
    kernel = ops.cast(np.stack([_SOBEL, _SOBEL.T], axis=-1)[:, :, None], difference.dtype)
    gradients = ops.conv(difference, kernel, padding="same")
    losses = {
        "alpha": ops.mean(ops.abs(difference)),
        "compositional": ops.mean(ops.abs(difference * images)),
        "gradient": ops.mean(ops.abs(gradients)),
        "cross_entropy": _cross_entropy(ops, logits, mattes),
    }
    if aux_logits is not None:
        stride = images.shape[1] // aux_logits.shape[1]
        losses["auxiliary"] = _cross_entropy(ops, ops.cast(aux_logits, "float32"), mattes[:, ::stride, ::stride])
    return losses


def alphas_of(keras: ModuleType, logits: Any) -> Any:
    """Return the alphas of logits: from [N, S, S, 2], of any float dtype, to float32 [N, S, S, 1] in 0-1."""
    return keras.ops.softmax(keras.ops.cast(logits, "float32"))[..., 1:]


def weight_decay(keras: ModuleType, model: Any, decay: float) -> Any:
    """Return decay / 2 · Σ w² over the kernels of ordinary convolutions, without depthwise kernels and norms."""
    layers = [layer for layer in model.layers if type(layer) is keras.layers.Conv2D]
    return decay_of(keras.ops, [layer.kernel for layer in layers], decay)


def decay_of(ops: Any, kernels: Sequence[Any], decay: float) -> Any:
    """Return decay / 2 · Σ w² over kernels; `ops` is `keras.ops` or NumPy. The gradient is decay · w."""
    return decay / 2 * sum(ops.sum(ops.square(kernel)) for kernel in kernels)


def _cross_entropy(ops: Any, logits: Any, mattes: Any) -> Any:
    log_probabilities = ops.log_softmax(logits)
    return -ops.mean((1 - mattes) * log_probabilities[..., :1] + mattes * log_probabilities[..., 1:])
