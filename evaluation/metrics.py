"""Metrics of an alpha matte α against the true one, α*: one function per metric, each for one image.

Every function takes α and α* as float [H, W] in 0-1 of the same shape, computes in float32, adds up in float64, and
returns a float. The caller takes the mean over images; every image counts the same.

MAD and GAUSS_GRAD are the metrics of the MMNet experiments. GAUSS_GRAD is not the gradient error of alphamatting.com.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array
from mmnet.errors import MMNetError
from mmnet.evaluation.resize import resize_legacy_bilinear

__all__ = [
    "BAND_WIDTH",
    "MetricError",
    "band_mad",
    "boundary_band",
    "connectivity_error",
    "covered",
    "gauss_grad",
    "iou",
    "mad",
    "mse",
    "relative_error",
    "resize_legacy_bilinear",
    "sad",
]

Matte = AnyArray

GAUSS_SIGMA = 1.4
GAUSS_RADIUS = int(3 * GAUSS_SIGMA + 0.5)
CONNECTIVITY_STEP, CONNECTIVITY_THETA = 0.1, 0.15
BAND_WIDTH = 0.02


class MetricError(MMNetError):
    """The arrays are not two mattes that a metric can be computed from."""


def mad(alpha: Matte, truth: Matte) -> float:
    """Mean absolute difference, mean |α − α*|, in 0-1.

    Raises:
        MetricError: the two are not float [H, W] of one shape. All functions of this module raise it.
    """
    return _mean(np.abs(_difference(alpha, truth)))


def mse(alpha: Matte, truth: Matte) -> float:
    """Mean squared error, mean (α − α*)², in 0-1."""
    return _mean(np.square(_difference(alpha, truth)))


def sad(alpha: Matte, truth: Matte) -> float:
    """Sum of absolute differences over the whole image, in thousands of pixels: Σ |α − α*| / 1000.

    The matting literature prints it so (alphamatting.com), but within a trimap; here it is over every pixel, for there
    is no trimap. It grows with the image.
    """
    return float(np.abs(_difference(alpha, truth)).sum(dtype=np.float64)) / 1000


def iou(alpha: Matte, truth: Matte, threshold: float = 0.5) -> float:
    """Intersection over union of {α >= threshold} and {α* >= threshold}, in 0-1; 1 where both are empty."""
    alpha, truth = _pair(alpha, truth)
    foreground, true_foreground = alpha >= np.float32(threshold), truth >= np.float32(threshold)
    union = np.count_nonzero(foreground | true_foreground)
    return np.count_nonzero(foreground & true_foreground) / union if union else 1.0


def relative_error(alpha: Matte, truth: Matte) -> float:
    """Error relative to the area of the foreground: Σ |α − α*| / Σ α*, from 0 on; NaN where α* is 0 everywhere."""
    area = float(_pair(truth, alpha)[0].sum(dtype=np.float64))
    return float(np.abs(_difference(alpha, truth)).sum(dtype=np.float64)) / area if area else math.nan


def covered(alpha: Matte, threshold: float = 0.5) -> float:
    """Part of the image in which α >= threshold, in 0-1."""
    return np.count_nonzero(alpha >= np.float32(threshold)) / alpha.size


def gauss_grad(alpha: Matte, truth: Matte) -> float:
    """GAUSS_GRAD: mean length of ∇α − ∇α*, over the pixels whose whole 9×9 neighbourhood is in the image.

    The gradients are a first derivative of a Gaussian with σ = 1.4 and half width int(3σ + 0.5) = 4: along one axis
    −x/σ² · G(x), along the other G, where G is normalised to sum 1. Source: the metric GAUSS_GRAD of the MMNet
    repository (hyperconnect/MMNet, image_helper.first_deriviate_gaussian_gradient).

    Raises:
        MetricError: as `mad`, or a side is below 9 pixels.
    """
    difference = _difference(alpha, truth)
    height, width = difference.shape
    if min(height, width) <= 2 * GAUSS_RADIUS:
        raise MetricError(f"GAUSS_GRAD needs at least {2 * GAUSS_RADIUS + 1} pixels each way, not {height}×{width}")
    # The filter is linear: the difference of the gradients is the gradient of the difference.
    across = cv2.sepFilter2D(difference, cv2.CV_32F, _DERIVATIVE, _GAUSS)
    down = cv2.sepFilter2D(difference, cv2.CV_32F, _GAUSS, _DERIVATIVE)
    inside = slice(GAUSS_RADIUS, -GAUSS_RADIUS)
    # Not cv2.magnitude, whose last bit depends on the thread that it runs on.
    return _mean(np.sqrt(np.square(across) + np.square(down))[inside, inside])


def connectivity_error(alpha: Matte, truth: Matte) -> float:
    """Connectivity error over the whole image, in thousands: Σ |φ(α) − φ(α*)| / 1000.

    Rhemann et al., "A Perceptually Motivated Online Benchmark for Image Matting" (CVPR 2009), with the published
    step 0.1 and θ = 0.15: Ω(t) is the largest 4-connected region in which both mattes are at least t; l of a pixel
    is the highest t = 0, 0.1, … up to which it belongs to every Ω; d = α − l, and φ = 1 − d where d >= θ, else 1.
    It is over every pixel, without a trimap, as `sad` is.
    """
    alpha, truth = _pair(alpha, truth)
    lower = np.minimum(alpha, truth)
    level = np.zeros_like(lower)
    connected = np.ones(lower.shape, np.bool_)
    for threshold in np.arange(CONNECTIVITY_STEP, 1 + CONNECTIVITY_STEP / 2, CONNECTIVITY_STEP).astype(np.float32):
        connected &= _largest_region(lower >= threshold)
        if not connected.any():
            break
        level[connected] = threshold
    return float(np.abs(_unconnected(alpha, level) - _unconnected(truth, level)).sum(dtype=np.float64)) / 1000


def boundary_band(truth: Matte, width: float = BAND_WIDTH) -> NDArray[np.bool_]:
    """The band around the edge of the foreground: {α* >= 0.5} dilated by a disc, less the same eroded by it.

    Args:
        truth: float [H, W] in 0-1.
        width: radius of the disc as a fraction of the longer side (0.02 of 512 pixels: 10), at least one pixel.

    Returns:
        bool [H, W]; all false where α* has no edge. The border of the image is not an edge.
    """
    truth, _ = _pair(truth, truth)
    radius = max(1, round(width * max(truth.shape)))
    foreground = truth >= np.float32(0.5)
    if foreground.all() or not foreground.any():
        return np.zeros(truth.shape, np.bool_)
    return np.asarray((_distance_to(foreground) <= radius) & (_distance_to(~foreground) <= radius))


def band_mad(alpha: Matte, truth: Matte, band: NDArray[np.bool_]) -> float:
    """MAD over the pixels of `band` (bool [H, W], see `boundary_band`), in 0-1; NaN where the band is empty."""
    difference = np.abs(_difference(alpha, truth))[band]
    return _mean(difference) if difference.size else math.nan


def _kernels() -> tuple[F32Array, F32Array]:
    x = np.arange(-GAUSS_RADIUS, GAUSS_RADIUS + 1, dtype=np.float64)
    gauss = np.exp(-(x**2) / (2 * GAUSS_SIGMA**2))
    gauss /= gauss.sum()
    return gauss.astype(np.float32), (-x / GAUSS_SIGMA**2 * gauss).astype(np.float32)


_GAUSS, _DERIVATIVE = _kernels()


def _distance_to(mask: NDArray[np.bool_]) -> F32Array:
    """Return the Euclidean distance of every pixel to the nearest pixel of `mask`; 0 within the mask."""
    outside = np.logical_not(mask).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def _largest_region(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest 4-connected region of `mask`; of equally large ones, the first in reading order."""
    labelled, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    if labelled <= 2:  # one label is the background: there is no region, or only one
        return mask
    return np.asarray(labels == 1 + int(np.bincount(labels.ravel())[1:].argmax()))


def _unconnected(alpha: F32Array, level: F32Array) -> F32Array:
    """Return 1 − φ; see `connectivity_error`."""
    distance = alpha - level
    return np.where(distance >= np.float32(CONNECTIVITY_THETA), distance, np.float32(0))


def _difference(alpha: Matte, truth: Matte) -> F32Array:
    alpha, truth = _pair(alpha, truth)
    return np.asarray(alpha - truth, np.float32)


def _pair(alpha: Matte, truth: Matte) -> tuple[F32Array, F32Array]:
    if alpha.shape != truth.shape or alpha.ndim != 2 or not alpha.size:
        raise MetricError(f"α is {alpha.shape} and α* {truth.shape}; give two mattes [H, W] of one shape")
    if alpha.dtype.kind != "f" or truth.dtype.kind != "f":
        raise MetricError(f"α is {alpha.dtype} and α* {truth.dtype}; give floats in 0-1 (bytes divided by 255)")
    return alpha.astype(np.float32, copy=False), truth.astype(np.float32, copy=False)


def _mean(values: F32Array) -> float:
    return float(values.mean(dtype=np.float64))
