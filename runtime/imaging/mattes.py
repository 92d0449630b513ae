"""Matte files → alpha, by one rule for training, evaluation and everything else that reads mattes.

The rule, for a file whose layout does not say where its matte is:

1. If the file declares an alpha channel, and that channel is not the same everywhere, the channel is the matte.
2. Otherwise the grey values are the matte. A channel that is opaque everywhere is what editors add to grey mattes.
   A channel that is the same everywhere but not opaque contradicts grey values that differ from it: refused.
   A transparent colour (the tRNS chunk of a grey or RGB PNG) is no channel: it is ignored.
3. Grey values that come in three unlike channels are no matte: refused.
4. An alpha matte reaches 255 (65,535 with 16 bits) in the foreground. A matte that is not all 0, but nowhere reaches
   half, has another scale: labels 0/1 or 0/1/2, percents, 8-bit values in a 16-bit file. It is refused. So is a trimap
   of 0, 128 and 255, whose 128 says "unknown" and not "half".
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import AnyArray, U8Array
from mmnet.runtime.imaging.photos import read_stored
from mmnet.runtime.imaging.stored import PhotoError, StoredImage, to_8_bits

HALF = 128  # the least value that a foreground reaches
_JPEG_CHROMA = 6  # by how much the channels of a grey JPEG may differ
_FEW_LABELS = 4  # values that a message lists
_MOST_LABELS = 31
_UNKNOWN = (127, 128)  # the values of the unknown region of a trimap


class MatteFault(StrEnum):
    """The reasons for which the file of a matte is refused, apart from being unreadable."""

    NO_ALPHA = "no alpha channel"
    CONTRADICTION = "contradicting channels"
    COLOUR = "coloured matte"
    SCALE = "wrong scale"
    TRIMAP = "trimap"


class MatteFileError(PhotoError):
    """A file that cannot be read as an alpha matte.

    Attributes:
        fault: the reason.
    """

    def __init__(self, path: Path, fault: MatteFault, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.fault = fault


def read_matte(path: str | Path, *, from_alpha: bool = False, check: bool = True) -> U8Array:
    """Read an alpha matte by the rule of this module.

    Args:
        path: an image file of any format that `read_photo` reads.
        from_alpha: whether the layout says that the matte is the alpha channel.
        check: whether to apply the fourth point of the rule. A frame of a sequence may show a faint rest of a person.

    Returns:
        uint8 [H, W], 255 = the foreground (16 bits are rounded to 8), C-contiguous.

    Raises:
        MatteFileError: the file is an image, but no alpha matte.
        PhotoError: the file cannot be read.
    """
    path = Path(path)
    return matte_of(read_stored(path), path, from_alpha=from_alpha, check=check)


def matte_of(image: StoredImage, path: Path, *, from_alpha: bool = False, check: bool = True) -> U8Array:
    """Return the alpha matte in an image that was read; arguments, result and errors are those of `read_matte`."""
    matte = _channel(image, path, from_alpha)
    _check_trimap(matte, path, "the alpha matte that was solved from it")
    if check:
        check_scale(matte, path)
    return matte


def check_scale(matte: U8Array, path: Path) -> None:
    """Refuse values that have not the scale of an alpha.

    Args:
        matte: uint8, any shape.
        path: the file, for the message.

    Raises:
        MatteFileError: the matte is not all 0 but nowhere reaches half.
    """
    values = _values(matte)
    if 0 < values[-1] < HALF:
        few = len(values) <= _FEW_LABELS
        listed = f"holds only {_listed(values)}" if few else f"has no value above {values[-1]}"
        fix = "make it black if nobody is in the image, or scale its values"
        if values == [0, 1]:
            fix = "`mmnet data mattes` makes soft mattes of such masks, or multiply by 255"
        raise MatteFileError(path, MatteFault.SCALE, f"{listed}; an 8-bit alpha matte is 255 in the foreground: {fix}")


def read_mask(path: str | Path) -> U8Array:
    """Read a binary mask, whose foreground may be any value: 0 and 1 serve as well as 0 and 255.

    Returns:
        uint8 [H, W], C-contiguous; the foreground is where it is above half of its largest value.

    Raises:
        MatteFileError: the file is an image in colour, a trimap, or a map of more than two labels.
        PhotoError: the file cannot be read.
    """
    path = Path(path)
    mask = _channel(read_stored(path), path, from_alpha=False)
    values = _values(mask)
    if len(values) > 2 and values[-1] <= _MOST_LABELS:
        raise MatteFileError(
            path, MatteFault.SCALE, f"holds the labels {_listed(values)}; give a mask of two values, 0 and 255"
        )
    _check_trimap(mask, path, "a mask of two values")
    return mask


def _channel(image: StoredImage, path: Path, from_alpha: bool) -> U8Array:
    """Return the channel of an image that is its matte, by the first three points of the rule."""
    alpha = None if image.alpha is None or image.keyed else _8_bits(image.alpha)
    if from_alpha and alpha is None:
        raise MatteFileError(
            path,
            MatteFault.NO_ALPHA,
            "has no alpha channel, in which its layout keeps the matte; save the cut-out with its alpha",
        )
    if alpha is not None and (from_alpha or alpha.min() != alpha.max()):
        return np.ascontiguousarray(alpha)
    grey = _grey(image, path)
    if alpha is not None and alpha.flat[0] != 255 and (grey != alpha.flat[0]).any():
        raise MatteFileError(
            path,
            MatteFault.CONTRADICTION,
            f"has an alpha channel of {alpha.flat[0]} everywhere, and other grey values; save the matte in grey",
        )
    return grey


def _grey(image: StoredImage, path: Path) -> U8Array:
    colour = _8_bits(image.colour)
    if colour.shape[2] == 1:
        return np.ascontiguousarray(colour[..., 0])
    if not is_grey(colour):
        raise MatteFileError(
            path, MatteFault.COLOUR, "is an image in colour; an alpha matte is grey, 255 = the foreground"
        )
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(colour), cv2.COLOR_RGB2GRAY), np.uint8)


def is_grey(colour: U8Array) -> bool:
    """Whether the channels of uint8 [H, W, C] are alike, apart from what the chroma of a JPEG may change."""
    low, high = colour[..., 0], colour[..., 0]
    for channel in range(1, colour.shape[2]):
        low, high = np.minimum(low, colour[..., channel]), np.maximum(high, colour[..., channel])
    return bool((high - low).max(initial=0) <= _JPEG_CHROMA)


def _check_trimap(matte: U8Array, path: Path, wanted: str) -> None:
    """Refuse a matte of 0, 255 and one value between them, in regions that are wider than an edge."""
    values = _values(matte)
    if len(values) != 3 or values[0] != 0 or values[1] not in _UNKNOWN or values[2] != 255:
        return
    unknown = (matte == values[1]).astype(np.uint8)
    if cv2.erode(unknown, np.ones((3, 3), np.uint8), borderValue=0).any():
        raise MatteFileError(path, MatteFault.TRIMAP, f"is a trimap ({_listed(values)}); give {wanted}")


def _values(matte: U8Array) -> list[int]:
    """Return the values that occur in uint8, in increasing order."""
    found: list[int] = np.flatnonzero(np.bincount(matte.ravel(), minlength=256)).tolist()
    return found


def _8_bits(samples: AnyArray) -> U8Array:
    return np.asarray(samples, np.uint8) if samples.dtype == np.uint8 else to_8_bits(samples)


def _listed(values: list[int]) -> str:
    if len(values) > _FEW_LABELS + 1:
        return f"{values[0]} to {values[-1]}"
    return f"{', '.join(map(str, values[:-1]))} and {values[-1]}" if len(values) > 1 else str(values[0])
