"""The network's alpha at the photo's size.

The network sees S×S pixels, so its alpha shows no hair that is thinner than a pixel there. The photo does.
docs/internals/full-resolution.md compares the methods.
"""

from __future__ import annotations

import cv2
import numpy as np

from mmnet.arrays import Alpha, U8Array
from mmnet.runtime.fullres import kernels
from mmnet.runtime.fullres.alpha import AlphaU8, AnyAlpha, check_range
from mmnet.runtime.fullres.methods import DEFAULT, Upsampling
from mmnet.runtime.fullres.parameters import OPAQUE_U16, AlphaU16
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes
from mmnet.runtime.imaging.resampling import resample


def upsample_alpha(
    alpha: Alpha, photo: U8Array, method: Upsampling = DEFAULT, *, model_input: U8Array | None = None
) -> Alpha:
    """Bring the network's alpha to the size of the photo that it was computed from, as float.

    Arguments and errors are those of `upsample`, which explains the methods.

    Returns:
        float32 [H, W] in 0-1: multiples of 1/65535, or of 1/255 where the alpha was guided.
    """
    upsampled = upsample(alpha, photo, method, model_input=model_input)
    return upsampled.as_float() if isinstance(upsampled, AlphaU8) else upsampled


def upsample(
    alpha: Alpha, photo: U8Array, method: Upsampling = DEFAULT, *, model_input: U8Array | None = None
) -> AnyAlpha:
    """Bring the network's alpha to the size of the photo that it was computed from.

    GUIDED is the fast guided filter (He and Sun, 2015) with the photo's colours as the guide: where alpha changes,
    α ≈ a · colour + b is fitted in windows of 5×5 at the network's size, and a and b are interpolated. It differs from
    the filter in three ways. a is fitted only where alpha is not that of all four neighbours. b is chosen so that the
    network's own alpha is kept at its pixels, where the filter would blur it. And the guide is blurred by the binomial
    1 2 1, about as much as the network blurs, so that what the blur took from alpha is restored from the photo. A photo
    that is no larger than the network's input is upsampled bilinearly.

    Either method gives the same bytes on any processor: everything is computed in whole numbers, except the slopes,
    whose few operations in float64 IEEE 754 defines to the bit.

    Args:
        alpha: float32 [S, S] in 0-1, of the whole photo (`Fit.STRETCH`).
        photo: uint8 [H, W, 3], RGB, any H, W >= 1.
        method: how.
        model_input: what the network saw, uint8 [S, S, 3]; None computes it again where it is needed.

    Returns:
        [H, W]: `AlphaU8` where the alpha was guided, which `composite` and `cutout` take as it is; else float32 in 0-1,
        multiples of 1/65535. The temporary memory is a few megabytes, whatever the photo.

    Raises:
        ImageError: an array of another shape or dtype, or alpha outside 0-1.
    """
    check_rgb_bytes(photo)
    if alpha.ndim != 2 or not alpha.size or alpha.dtype != np.float32:
        raise ImageError(f"the alpha is {alpha.dtype} {list(alpha.shape)}; give float32 [S, S]")
    check_range(alpha)
    height, width = photo.shape[:2]
    if method is Upsampling.BILINEAR or (height <= alpha.shape[0] and width <= alpha.shape[1]):
        return resize_alpha(alpha, height, width)
    if model_input is None:
        model_input = resample(photo, *alpha.shape)
    elif check_rgb_bytes(model_input).shape[:2] != alpha.shape:
        raise ImageError(f"the model's input has shape {model_input.shape}, its alpha {alpha.shape}")
    return kernels.KERNELS.guided_alpha(alpha, model_input, photo)


def resize_alpha(alpha: Alpha, height: int, width: int) -> Alpha:
    """Resize an alpha bilinearly, with half-pixel centres and repeated edges: the same bytes on any processor.

    It is computed in 16 bits, in which a byte / 255 is exact: OpenCV's resizing of floats rounds differently where the
    processor fuses multiplication and addition, as Arm does.

    Args:
        alpha: float32 [S, S] in 0-1.
        height: the result's height in pixels, >= 1.
        width: the result's width in pixels, >= 1.

    Returns:
        float32 [height, width] in 0-1, multiples of 1/65535.
    """
    resized = cv2.resize(_to_u16(alpha), (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    return np.asarray(resized, np.float32) / np.float32(OPAQUE_U16)


def _to_u16(alpha: Alpha) -> AlphaU16:
    return np.asarray(np.rint(alpha * np.float32(OPAQUE_U16)), np.uint16)
