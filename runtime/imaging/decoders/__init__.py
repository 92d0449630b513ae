"""Decoders: the bytes of an image file → its pixels, as they are stored.

`opencv` decodes JPEG, PNG, WebP, BMP, TIFF and AVIF, `heic` and `jpeg_xl` the formats of their names. The libraries of
the latter two come with the extra `photos`, and are imported when they are needed. Every decoder gets a file whose
header was read and is not refused.
"""

from mmnet.runtime.imaging.decoders.choice import OPTIONAL_EXTENSIONS, decode, lacking
from mmnet.runtime.imaging.decoders.facts import Decoded, DecodeError

__all__ = ["OPTIONAL_EXTENSIONS", "DecodeError", "Decoded", "decode", "lacking"]
