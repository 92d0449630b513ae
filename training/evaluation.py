"""Evaluation of a network during its training, at the network's input size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array, U8Array
from mmnet.evaluation.metrics import gauss_grad, mad
from mmnet.training.augment import resize
from mmnet.training.data.packs import Pack

EVALUATION_BATCH = 8  # images
_ROWS = 4  # of the contact sheet, per set of images


def read_images(pack: Pack, indices: NDArray[np.int64], size: int) -> tuple[U8Array, F32Array]:
    """Return some images of a pack and their mattes, stretched to size×size.

    Returns:
        The images, uint8 [N, size, size, 3], and the mattes, float32 [N, size, size] in 0-1.
    """
    samples = [pack.sample(int(index)) for index in indices]
    images = np.stack([resize(sample.photo, size) for sample in samples])
    mattes = np.stack([resize(sample.matte, size) for sample in samples])
    return images, mattes.astype(np.float32) / np.float32(255)


def mean_errors(name: str, alphas: F32Array, mattes: F32Array) -> dict[str, float]:
    """Return the mean MAD and GAUSS_GRAD of alphas.

    Args:
        name: of the images, the first word of the metrics' names.
        alphas, mattes: float32 [N, size, size] in 0-1.

    Returns:
        NAME_mad and NAME_gauss_grad.
    """
    pairs = list(zip(alphas, mattes, strict=True))
    return {
        f"{name}_mad": float(np.mean([mad(alpha, truth) for alpha, truth in pairs])),
        f"{name}_gauss_grad": float(np.mean([gauss_grad(alpha, truth) for alpha, truth in pairs])),
    }


def sheet_rows(images: U8Array, mattes: F32Array, alphas: F32Array) -> list[U8Array]:
    """Draw the first images as rows of photo, matte and alpha, each uint8 [size, 3·size, 3]."""
    return [_row(images[i], (mattes[i], alphas[i])) for i in range(min(_ROWS, len(images)))]


def _row(image: U8Array, alphas: Sequence[F32Array]) -> U8Array:
    grey = [np.rint(np.repeat(value[..., None], 3, -1) * 255).astype(np.uint8) for value in alphas]
    return np.concatenate([image, *grey], axis=1)
