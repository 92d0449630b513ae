"""JPEG XL, decoded by libjxl through pylibjxl."""

from __future__ import annotations

import numpy as np

from mmnet.arrays import AnyArray
from mmnet.runtime.imaging.colours.declared import DeclaredColours
from mmnet.runtime.imaging.decoders.facts import DAMAGED, Decoded, DecodeError
from mmnet.runtime.imaging.headers.facts import Header

MODULE = "pylibjxl"


def decode(data: bytes, header: Header) -> Decoded:
    """Decode a JPEG XL, to 8 bits. libjxl applies its orientation.

    Raises:
        DecodeError: it is truncated or damaged.
    """
    try:
        import pylibjxl
    except ImportError as error:
        raise DecodeError("cannot be decoded: pylibjxl cannot be imported") from error
    try:
        found, facts = pylibjxl.decode(data, metadata=True)
    except MemoryError:
        raise
    except Exception as error:  # of a damaged file, the library raises many kinds
        raise DecodeError(DAMAGED) from error
    pixels: AnyArray = np.asarray(found)
    if pixels.ndim == 3 and pixels.shape[2] >= 3:
        pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    profile: bytes = facts.get("icc") or b""
    return Decoded(pixels, colours=DeclaredColours(icc=profile) if profile else None)
