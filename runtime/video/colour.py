"""Colours of videos: which RGB their numbers stand for, by the codes of ITU-T H.273."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmnet.arrays import U8Array
from mmnet.runtime.imaging.stored import over_white
from mmnet.runtime.video.ffmpeg import pyav

if TYPE_CHECKING:
    from av import VideoFrame

LIMITED, FULL = 1, 2  # FFmpeg's AVCOL_RANGE_MPEG and AVCOL_RANGE_JPEG
_RGB, BT709, UNSPECIFIED, BT470BG, BT601, BT2020 = 0, 1, 2, 5, 6, 9  # codes of H.273, which FFmpeg uses
_SD_WIDTH, _SD_HEIGHT = 1024, 576
# Matrix -> (primaries, transfer) that usually go with it, for videos that do not state them.
_COMPANIONS = {BT709: (1, 1), BT470BG: (5, 6), BT601: (6, 6), BT2020: (9, 14)}
_WIDE_PRIMARIES = (BT2020, 11, 12)  # and those of P3
_ORDINARY_TRANSFERS, _HDR_TRANSFERS, _SRGB_TRANSFER = (1, 6, 14, 15), (16, 18), 13


@dataclass(frozen=True)
class Colour:
    """The colour encoding of a video, as codes of H.273.

    Attributes:
        matrix: which matrix converts Y'CbCr to R'G'B'.
        primaries, transfer: which colours the R'G'B' stand for. They are passed on to the output without conversion.
    """

    matrix: int = BT709
    primaries: int = 1
    transfer: int = 1

    @property
    def image_codes(self) -> tuple[int, ...] | None:
        """The codes of images with the R'G'B' of this video; None if these are sRGB's, as those of ordinary videos are.

        Players show the curve of ordinary videos like that of sRGB.
        """
        transfer = _SRGB_TRANSFER if self.transfer in _ORDINARY_TRANSFERS else self.transfer
        if self.primaries not in _WIDE_PRIMARIES and transfer not in _HDR_TRANSFERS:
            return None
        return self.primaries, transfer, _RGB, 1

    @staticmethod
    def of(frame: VideoFrame) -> Colour:
        """Read the colour of a frame. If it does not state its matrix, that is BT.601 up to 1024×576 and BT.709 beyond.

        Players make the same choice.
        """
        matrix = int(frame.colorspace)
        if matrix not in _COMPANIONS:
            small = max(frame.width, frame.height) <= _SD_WIDTH and min(frame.width, frame.height) <= _SD_HEIGHT
            matrix = BT601 if small and matrix != _RGB else BT709
        primaries, transfer = _COMPANIONS[matrix]
        if frame.color_primaries != UNSPECIFIED:
            primaries = int(frame.color_primaries)
        if frame.color_trc != UNSPECIFIED:
            transfer = int(frame.color_trc)
        return Colour(matrix, primaries, transfer)


def has_alpha(frame: VideoFrame) -> bool:
    """Whether the format of a frame has an alpha channel; the colours of a palette may have one each."""
    return frame.format.name == "pal8" or any(component.is_alpha for component in frame.format.components)


def to_rgb(frame: VideoFrame, colour: Colour, width: int, height: int) -> U8Array:
    """Convert a decoded frame to RGB; a frame with an alpha channel is composited over white, as photos are.

    Args:
        frame: a Y'CbCr frame that does not state its range is taken as limited range.
        colour: gives the matrix of a frame that does not state its own.
        width, height: a frame of another size is scaled to these.

    Returns:
        uint8 [height, width, 3], RGB, full range.
    """
    if not has_alpha(frame):
        return _converted(frame, colour, width, height, "rgb24")
    rgba = _converted(frame, colour, width, height, "rgba")
    return over_white(rgba[..., :3], rgba[..., 3:])


def to_alpha(frame: VideoFrame, colour: Colour, width: int, height: int) -> U8Array:
    """Return the alpha channel of a decoded frame: uint8 [height, width]. Arguments as `to_rgb`."""
    return np.ascontiguousarray(_converted(frame, colour, width, height, "rgba")[..., 3])


def _converted(frame: VideoFrame, colour: Colour, width: int, height: int, layout: str) -> U8Array:
    if not frame.format.is_rgb and frame.colorspace not in _COMPANIONS:
        frame.colorspace = colour.matrix
    return np.asarray(frame.reformat(width, height, layout, dst_color_range=FULL).to_ndarray(), np.uint8)


def from_image(image: U8Array, pixel_format: str, colour: Colour) -> VideoFrame:
    """Convert an image to a frame for the encoder.

    Args:
        image: uint8 [H, W] (grey), [H, W, 3] (RGB) or [H, W, 4] (RGBA), full range.
        pixel_format: FFmpeg's name of the frame's format.
        colour: gives the matrix of a Y'CbCr format.

    Returns:
        The frame; a Y'CbCr frame has limited range.
    """
    av = pyav()
    layout = "gray" if image.ndim == 2 else "rgb24" if image.shape[2] == 3 else "rgba"
    frame: VideoFrame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), layout)
    frame.color_range = FULL
    if layout == pixel_format:
        return frame
    target = av.VideoFormat(pixel_format)
    if target.is_rgb:
        return frame.reformat(format=pixel_format, dst_color_range=FULL)
    matrix = BT470BG if colour.matrix == BT601 else colour.matrix  # swscale has one code for these two equal matrices
    return frame.reformat(format=pixel_format, dst_colorspace=matrix, dst_color_range=LIMITED)
