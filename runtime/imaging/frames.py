"""Camera frame (YUV_420_888) → upright RGB image, and positions back.

docs/internals/preprocessing.md, sections 1 and 2, is the specification.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmnet.arrays import AnyArray, U8Array
from mmnet.runtime.imaging.preprocess import ImageError

ROTATIONS = (0, 90, 180, 270)

# BT.601, full range, in 1/65536, as in JPEG decoders: (1.402, 0.34414, 0.71414, 1.772) · 65536, rounded.
_RED_V, _GREEN_U, _GREEN_V, _BLUE_U = 91881, 22554, 46802, 116130
_HALF, _BITS = 1 << 15, 16


@dataclass(frozen=True)
class Plane:
    """One plane of a camera frame: sample (row, column) is `data[row · row_stride + column · pixel_stride]`.

    Attributes:
        data: uint8 [N]. The last row may end with its last sample.
        row_stride, pixel_stride: in bytes, >= 1.
    """

    data: U8Array
    row_stride: int
    pixel_stride: int = 1


@dataclass(frozen=True)
class YuvFrame:
    """A camera frame of `height` × `width` pixels: plane Y of that size, planes U and V of half of it, rounded up.

    NV21, NV12 and I420 are such frames with different strides: `from_nv21`, `from_nv12` and `from_i420` make them.
    """

    height: int
    width: int
    y: Plane
    u: Plane
    v: Plane

    @staticmethod
    def from_i420(data: U8Array, height: int, width: int) -> YuvFrame:
        """Return the frame of I420 bytes: Y, then U, then V, without gaps.

        Args:
            data: uint8 [H·W + 2·ceil(H/2)·ceil(W/2)]; `to_rgb` refuses less.
            height: the frame's height in pixels.
            width: the frame's width in pixels.
        """
        half_height, half_width = _half(height), _half(width)
        u, v = height * width, height * width + half_height * half_width
        planes = Plane(data, width), Plane(data[u:], half_width), Plane(data[v:], half_width)
        return YuvFrame(height, width, *planes)

    @staticmethod
    def from_nv12(data: U8Array, height: int, width: int) -> YuvFrame:
        """Return the frame of NV12 bytes: Y, then pairs of U and V, without gaps; arguments as `from_i420`."""
        pairs, stride = data[height * width :], 2 * _half(width)
        return YuvFrame(height, width, Plane(data, width), Plane(pairs, stride, 2), Plane(pairs[1:], stride, 2))

    @staticmethod
    def from_nv21(data: U8Array, height: int, width: int) -> YuvFrame:
        """Return the frame of NV21 bytes: Y, then pairs of V and U, without gaps; arguments as `from_i420`."""
        pairs, stride = data[height * width :], 2 * _half(width)
        return YuvFrame(height, width, Plane(data, width), Plane(pairs[1:], stride, 2), Plane(pairs, stride, 2))

    def to_rgb(self) -> U8Array:
        """Convert the frame to RGB, oriented as in the sensor: uint8 [H, W, 3].

        Raises:
            ImageError: a side or stride below 1, or a plane shorter than its strides say.
        """
        if self.height < 1 or self.width < 1:
            raise ImageError(f"the frame is {self.width}×{self.height}; both sides must be at least 1")
        luma = _samples("Y", self.y, self.height, self.width).astype(np.int32)
        u, v = (
            _samples(name, plane, _half(self.height), _half(self.width)).astype(np.int32) - 128
            for name, plane in (("U", self.u), ("V", self.v))
        )
        rgb = np.empty((self.height, self.width, 3), np.uint8)
        offsets = (
            (_RED_V * v + _HALF) >> _BITS,
            (-_GREEN_U * u - _GREEN_V * v + _HALF) >> _BITS,
            (_BLUE_U * u + _HALF) >> _BITS,
        )
        for channel, offset in enumerate(offsets):
            # 2×2 pixels share a chroma sample.
            spread = offset.repeat(2, axis=0)[: self.height].repeat(2, axis=1)[:, : self.width]
            rgb[..., channel] = (luma + spread).clip(0, 255)
        return rgb


@dataclass(frozen=True)
class Orientation:
    """The turn that makes a camera frame upright.

    Attributes:
        rotation: degrees clockwise, one of ROTATIONS.
        mirrored: whether left and right are swapped after the rotation, as a front camera's image is shown.
    """

    rotation: int = 0
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.rotation not in ROTATIONS:
            raise ImageError(f"the rotation is {self.rotation}; give one of {', '.join(map(str, ROTATIONS))}")

    def apply(self, frame: AnyArray) -> AnyArray:
        """Turn a frame upright: any dtype, [H, W, …]; [W, H, …] after a quarter turn. Returns a view."""
        turned = np.rot90(frame, -self.rotation // 90)
        return turned[:, ::-1] if self.mirrored else turned

    def undo(self, image: AnyArray) -> AnyArray:
        """Turn an upright image, such as an alpha matte, back to the frame. The inverse of `apply`; returns a view."""
        turned: AnyArray = image[:, ::-1] if self.mirrored else image
        return np.rot90(turned, self.rotation // 90)


def _half(side: int) -> int:
    return (side + 1) // 2


def _samples(name: str, plane: Plane, rows: int, columns: int) -> U8Array:
    """Return the samples of a plane: uint8 [rows, columns], a view of its data."""
    if plane.row_stride < 1 or plane.pixel_stride < 1:
        raise ImageError(
            f"plane {name} has strides {plane.row_stride} and {plane.pixel_stride}; both must be at least 1"
        )
    if plane.data.dtype != np.uint8 or plane.data.ndim != 1:
        raise ImageError(f"plane {name} is {plane.data.dtype} {list(plane.data.shape)}; give uint8 [N]")
    needed = (rows - 1) * plane.row_stride + (columns - 1) * plane.pixel_stride + 1
    if plane.data.size < needed:
        raise ImageError(
            f"plane {name} has {plane.data.size} bytes; {rows} rows of {columns} samples with strides "
            f"{plane.row_stride} and {plane.pixel_stride} need {needed}"
        )
    step = plane.data.strides[0]
    return np.lib.stride_tricks.as_strided(
        plane.data, (rows, columns), (plane.row_stride * step, plane.pixel_stride * step), writeable=False
    )
