"""The core in C, called through ctypes, answers the requests of `java_core.py` and `core_cases.py`."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable

import numpy as np

from mmnet.arrays import AnyArray, U8Array
from mmnet.runtime.core.library import LIBRARY

_SENTINEL = 99  # what outputs hold before: a byte that is left as it was shows


class _Plane(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("row_stride", ctypes.c_int32),
        ("pixel_stride", ctypes.c_int32),
    ]


class _Reader:
    """Reads the fields of a request."""

    def __init__(self, request: bytes) -> None:
        self._request, self._at = request, 0

    def ints(self, count: int) -> tuple[int, ...]:
        self._at += 4 * count
        return struct.unpack_from(f">{count}i", self._request, self._at - 4 * count)

    def array(self) -> U8Array:
        (length,) = self.ints(1)
        self._at += length
        return np.frombuffer(self._request, np.uint8, length, self._at - length).copy()


def call(name: str, *arguments: object) -> None:
    """Call a function of the library; arrays are passed as pointers."""
    assert LIBRARY is not None
    status = LIBRARY[f"mmnet_{name}"](*map(_argument, arguments))
    assert status == 0, f"mmnet_{name} returned {status}"


def arena(name: str, *arguments: object) -> tuple[U8Array, ctypes.c_size_t]:
    """Return an arena for a function, at an odd address, and its size."""
    assert LIBRARY is not None
    function = LIBRARY[f"mmnet_{name}_arena"]
    function.restype = ctypes.c_size_t
    size = function(*map(_argument, arguments))
    assert size > 0, name
    return np.full(size + 1, _SENTINEL, np.uint8)[1:], ctypes.c_size_t(size)


def _argument(value: object) -> object:
    return value.ctypes if isinstance(value, np.ndarray) else value


def _new(*shape: int) -> U8Array:
    return np.full(shape, _SENTINEL, np.uint8)


def _placement(fit: int, height: int, width: int, size: int) -> ctypes.Array[ctypes.c_int32]:
    placement = (ctypes.c_int32 * 8)()
    call("place", fit % 3, height, width, size, placement)  # the first pass of AUTO stretches
    return placement


def _frame(reader: _Reader) -> list[AnyArray]:
    height, width, rotation, mirrored, fit, size = reader.ints(6)
    planes, data = [], []
    for _ in range(3):
        row, pixel = reader.ints(2)
        data.append(reader.array())
        planes.append(ctypes.byref(_Plane(data[-1].ctypes.data, data[-1].size, row, pixel)))
    h, w = (height, width) if rotation % 180 == 0 else (width, height)
    image, model_input = _new(h, w, 3), _new(size, size, 3)
    call("rgb_from_yuv", *planes, height, width, rotation, mirrored, image)
    placement = _placement(fit, h, w, size)
    call("model_input", image, h, w, placement, size, model_input, *arena("model_input", placement))
    return [np.array([h, w], ">i4"), image, model_input]


def _rgb_frame(reader: _Reader) -> list[AnyArray]:
    height, width, rotation, mirrored, fit, size = reader.ints(6)
    frame = reader.array()
    h, w = (height, width) if rotation % 180 == 0 else (width, height)
    image, back, model_input = _new(h, w, 3), _new(height, width, 3), _new(size, size, 3)
    call("orient", frame, height, width, 3, rotation, mirrored, 0, image)
    call("orient", image, height, width, 3, rotation, mirrored, 1, back)
    np.testing.assert_array_equal(back.ravel(), frame)
    placement = _placement(fit, h, w, size)
    call("model_input", image, h, w, placement, size, model_input, *arena("model_input", placement))
    return [image, model_input]


def _alpha(reader: _Reader) -> list[AnyArray]:
    height, width, rotation, mirrored, fit, size = reader.ints(6)
    model_alpha = reader.array()
    h, w = (height, width) if rotation % 180 == 0 else (width, height)
    alpha, back = _new(h, w), _new(height, width)
    placement = _placement(fit, h, w, size)
    call("fast_alpha", model_alpha, size, placement, h, w, alpha, *arena("fast_alpha", placement))
    call("orient", alpha, height, width, 1, rotation, mirrored, 1, back)
    return [alpha, back]


def _composite(reader: _Reader) -> list[AnyArray]:
    (colour,) = reader.ints(1)
    image, alpha, background = reader.array(), reader.array(), reader.array()
    # The request has no sides: any that the library takes will do.
    height = next(side for side in range(alpha.size // 65536 + 1, alpha.size + 1) if alpha.size % side == 0)
    width = alpha.size // height
    results = []
    row = np.tile(np.array([colour >> 16 & 255, colour >> 8 & 255, colour & 255], np.uint8), width)
    for behind, stride in ((background, 3 * width), (row, 0)):
        out = _new(height, width, 3)
        memory = arena("composite", height, width)
        stride_bytes = ctypes.c_size_t(stride)
        call("composite", image, alpha, behind, stride_bytes, height, width, 0, out, *memory)
        results.append(out)
    return results


def _blurred_background(reader: _Reader) -> list[AnyArray]:
    height, width = reader.ints(2)
    image, alpha, out = reader.array(), reader.array(), _new(height, width, 3)
    call("blurred_background", image, alpha, height, width, out, *arena("blurred_background", height, width))
    return [out]


def _fine_alpha(reader: _Reader) -> list[AnyArray]:
    height, width, size, *rectangles = reader.ints(11)
    image, model_alpha = reader.array(), reader.array()
    placement = (ctypes.c_int32 * 8)(*rectangles)
    model_input, alpha = _new(size, size, 3), _new(height, width)
    call("model_input", image, height, width, placement, size, model_input, *arena("model_input", placement))
    memory = arena("fine_alpha", size, placement)
    call("fine_alpha", model_alpha, model_input, size, placement, image, height, width, alpha, *memory)
    return [model_input, alpha]


def _fine_composite(reader: _Reader) -> list[AnyArray]:
    height, width = reader.ints(2)
    image, alpha, background = reader.array(), reader.array(), reader.array()
    foreground, composed = _new(height, width, 3), _new(height, width, 3)
    call("foreground", image, alpha, height, width, foreground, *arena("foreground", height, width))
    stride, memory = ctypes.c_size_t(3 * width), arena("composite", height, width)
    call("composite", image, alpha, background, stride, height, width, 1, composed, *memory)
    return [foreground, composed]


def _smoothing(reader: _Reader) -> list[AnyArray]:
    assert LIBRARY is not None
    size, least, tolerance, count = reader.ints(4)
    state, smoothed = np.zeros(LIBRARY.mmnet_smooth_state(size) + 1, np.uint8)[1:], []  # at an odd address
    for _ in range(count):
        model_input, alpha = reader.array(), reader.array()
        given = state, ctypes.c_size_t(state.size), model_input, size, least, tolerance
        call("smooth", *given, alpha, *arena("smooth", size))
        smoothed.append(alpha)
    return smoothed


_KINDS: dict[int, Callable[[_Reader], list[AnyArray]]] = {
    0: _frame,
    1: _alpha,
    2: _composite,
    3: _blurred_background,
    5: _rgb_frame,
    9: _fine_alpha,
    10: _fine_composite,
    14: _smoothing,
}


def answer(request: bytes) -> bytes:
    """Return the core's answer to a request."""
    reader = _Reader(request)
    (kind,) = reader.ints(1)
    return b"".join(array.tobytes() for array in _KINDS[kind](reader))
