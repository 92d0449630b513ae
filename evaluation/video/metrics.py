"""Metrics of temporal stability against the true mattes: one function per metric, each for two frames.

The functions take α and α* as float [H, W] in 0-1 of the same shape, compute in float32 and float64, and return an
unscaled float. The caller takes the mean over a sequence's pairs of frames. Published tables print dtSSD × 10²
(Robust Video Matting) and squared errors × 10³: `DTSSD_SCALE` and `MESSDDT_SCALE`.

Both metrics come from Erofeev et al., "Perceptually Motivated Benchmark for Video Matting" (BMVC 2015, section 4;
videomatting.com), who sum over pixels. Here, as in the evaluation code of Robust Video Matting, they are means, so that
frames of different sizes can be compared; and they are over all pixels, for there is no trimap.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from mmnet.arrays import AnyArray, F32Array
from mmnet.evaluation.metrics import MetricError

Matte = AnyArray

DTSSD_SCALE, MESSDDT_SCALE = 1e2, 1e3


def dtssd(alpha: Matte, previous: Matte, truth: Matte, previous_truth: Matte) -> float:
    """dtSSD, the root mean square of the difference of the temporal derivatives.

    √ mean ((α_t − α_{t−1}) − (α*_t − α*_{t−1}))², in 0-2. Source: Erofeev et al., equation of dtSSD, with the mean in
    place of the sum, as `MetricDTSSD` of Robust Video Matting (evaluation/evaluate_lr.py), there × 10².

    Args:
        alpha, previous: α of this frame and of the previous one.
        truth, previous_truth: α* of the same two frames.

    Raises:
        MetricError: the four are not float mattes [H, W] of one shape.
    """
    alpha, previous, truth, previous_truth = _mattes(alpha, previous, truth, previous_truth)
    return math.sqrt(float(np.square((alpha - previous) - (truth - previous_truth)).mean(dtype=np.float64)))


def messddt(alpha: Matte, following: Matte, truth: Matte, following_truth: Matte, flow: AnyArray) -> float:
    """MESSDdt, the mean change of the squared error along the motion of the truth.

    mean over p of |(α_t(p) − α*_t(p))² − (α_{t+1}(p + v_p) − α*_{t+1}(p + v_p))²|, in 0-1, with v_p the motion of the
    truth from frame t to t + 1, rounded to whole pixels; where p + v_p lies outside the frame, the nearest pixel of the
    frame is taken.
    Source: Erofeev et al., equation of MESSDdt ("motion-aware"), with the mean in place of the sum.

    Args:
        alpha, following: α of a frame and of the next one.
        truth, following_truth: α* of the same two frames.
        flow: real [H, W, 2], v in pixels, x and y; see `true_flow`.

    Raises:
        MetricError: the four are not float mattes [H, W] of one shape, or the flow has another shape.
    """
    alpha, following, truth, following_truth = _mattes(alpha, following, truth, following_truth)
    height, width = alpha.shape
    if flow.shape != (height, width, 2):
        raise MetricError(f"the flow is {flow.shape}, the mattes {alpha.shape}; give [H, W, 2]")
    whole = np.rint(flow).astype(np.int64)
    columns = (np.arange(width) + whole[..., 0]).clip(0, width - 1)
    rows = (np.arange(height)[:, None] + whole[..., 1]).clip(0, height - 1)
    error, following_error = np.square(alpha - truth), np.square(following - following_truth)
    return float(np.abs(error - following_error[rows, columns]).mean(dtype=np.float64))


def true_flow(truth: Matte, following_truth: Matte) -> F32Array:
    """The motion of the truth between two frames: Farnebäck's dense optical flow on α* as uint8.

    Farnebäck, "Two-Frame Motion Estimation Based on Polynomial Expansion" (SCIA 2003), with the parameters that the
    published evaluations of MESSDdt share: pyramid of 5 by halves, window 10, 2 iterations, neighbourhood 7, σ 1.5,
    Gaussian window. Away from the edge, α* is constant and the flow is zero.

    Returns:
        float32 [H, W, 2], pixels, x and y.

    Raises:
        MetricError: the two are not float mattes [H, W] of one shape.
    """
    before, after = (np.rint(matte * np.float32(255)).astype(np.uint8) for matte in _mattes(truth, following_truth))
    nothing = np.zeros((*before.shape, 2), np.float32)
    if (before == after).all():
        return nothing
    flow = cv2.calcOpticalFlowFarneback(before, after, nothing, 0.5, 5, 10, 2, 7, 1.5, cv2.OPTFLOW_FARNEBACK_GAUSSIAN)
    return np.asarray(flow, np.float32)


def _mattes(*mattes: Matte) -> tuple[F32Array, ...]:
    shapes = [matte.shape for matte in mattes]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2 or 0 in shapes[0]:
        raise MetricError(f"the mattes are {', '.join(map(str, shapes))}; give [H, W] of one shape")
    if any(matte.dtype.kind != "f" for matte in mattes):
        raise MetricError("a matte does not hold floats; give floats in 0-1 (bytes divided by 255)")
    return tuple(matte.astype(np.float32, copy=False) for matte in mattes)
