"""HEIC, decoded by libheif through pillow-heif."""

from __future__ import annotations

import io

import numpy as np

from mmnet.arrays import AnyArray
from mmnet.runtime.imaging.decoders.facts import DAMAGED, Decoded, DecodeError
from mmnet.runtime.imaging.decoders.opencv import to_16_bits
from mmnet.runtime.imaging.headers.facts import Header

MODULE = "pillow_heif"


def decode(data: bytes, header: Header) -> Decoded:
    """Decode the primary image of a HEIC. libheif joins its tiles, and applies rotation, mirroring and cropping.

    Raises:
        DecodeError: it is truncated or damaged.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise DecodeError("cannot be decoded: pillow-heif cannot be imported") from error
    try:
        image = pillow_heif.open_heif(
            io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False, bgr_mode=True, remove_stride=True
        )
        pixels: AnyArray = np.asarray(image)
    except MemoryError:
        raise
    except Exception as error:  # of a damaged file, the library raises many kinds
        raise DecodeError(DAMAGED) from error
    if pixels.dtype != np.uint8:
        pixels = to_16_bits(pixels, int(image.info.get("bit_depth", header.depth)))
    return Decoded(pixels)
