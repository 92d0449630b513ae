"""Images as their files store them: decoded, upright, in the meaning that their headers declare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, U8Array
from mmnet.errors import MMNetError
from mmnet.failures import note
from mmnet.runtime.imaging.colours import ColourError, DeclaredColours, to_srgb
from mmnet.runtime.imaging.colours.conversion import Conversion
from mmnet.runtime.imaging.colours.declared import NOTHING_DECLARED
from mmnet.runtime.imaging.decoders import Decoded, DecodeError, decode
from mmnet.runtime.imaging.headers import Header, HeaderError, Transparency, bmp, read_header, tiff
from mmnet.runtime.imaging.headers.exif import orientation

MAX_PIXELS = 1 << 28  # 268 million, more than any phone takes
MAX_BYTES = 1 << 30  # of the decoded image at the file's own depth: MAX_PIXELS of 8-bit RGBA, or half of 16-bit RGBA
_BAND_PIXELS = 1 << 20  # that are converted at a time, so that wide intermediate values take little memory

# For each EXIF orientation, what turns the stored image into the upright one.
_UPRIGHT: dict[int, Callable[[AnyArray], AnyArray]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],
    7: lambda stored: stored.swapaxes(0, 1)[::-1, ::-1],
    8: lambda stored: stored.swapaxes(0, 1)[::-1],
}


class PhotoError(MMNetError):
    """A file that cannot be read as a photo."""


@dataclass(frozen=True)
class StoredImage:
    """An image upright, but otherwise as its file stores it.

    Attributes:
        colour: uint8 or uint16, [H, W, 1] (grey) or [H, W, 3] (RGB).
        alpha: of the type of `colour`, [H, W]; None if the file declares no transparency.
        premultiplied: whether the colours are multiplied by the alpha.
        keyed: whether `alpha` is no channel of the file: it is 0 where the pixels have the one transparent colour.
        colours: what the file says of its colours.
        name: the file, for messages.
    """

    colour: AnyArray
    alpha: AnyArray | None = None
    premultiplied: bool = False
    keyed: bool = False
    colours: DeclaredColours = NOTHING_DECLARED
    name: Path = Path()

    def over_white(self) -> U8Array:
        """Return the image in sRGB, composited over white, in 8 bits: uint8 [H, W, 3].

        Raises:
            PhotoError: its colours cannot be brought to sRGB.
        """
        return self._in_bands(self._composited)

    def straight(self) -> U8Array:
        """Return the stored colours, also where they are transparent, in sRGB: uint8 [H, W, 3].

        Raises:
            PhotoError: its colours cannot be brought to sRGB.
        """
        return self._in_bands(self._straight)

    def _composited(self, rows: slice, convert: Conversion | None) -> AnyArray:
        if self.alpha is None:
            return self._straight(rows, convert)
        alpha = self.alpha[rows][..., None]
        if convert is None:
            return over_white(self.colour[rows], alpha, self.premultiplied)
        return over_white(self._straight(rows, convert), alpha)

    def _straight(self, rows: slice, convert: Conversion | None) -> AnyArray:
        colour = self.colour[rows]
        if self.premultiplied and self.alpha is not None:
            colour = _divided(colour, self.alpha[rows][..., None])
        return colour if convert is None else convert(colour)

    def _in_bands(self, render: Callable[[slice, Conversion | None], AnyArray]) -> U8Array:
        """Fill uint8 [H, W, 3] with what `render` returns for some rows: uint8 or uint16 [rows, W, 1 or 3]."""
        height, width = self.colour.shape[:2]
        image = np.empty((height, width, 3), np.uint8)
        step = max(1, _BAND_PIXELS // width)
        try:
            convert = to_srgb(self.colours, self.colour.dtype)
            for top in range(0, height, step):
                rows = slice(top, top + step)
                band = render(rows, convert)
                image[rows] = band if band.dtype == np.uint8 else to_8_bits(band)
        except ColourError as error:
            raise PhotoError(f"{self.name}: {error}") from error
        return image


def decode_stored(path: Path, data: bytes) -> StoredImage:
    """Decode an image file.

    Args:
        path: the file, for messages.
        data: all its bytes.

    Raises:
        PhotoError: the bytes are truncated, no image, an image that is not surely understood, or too large.
    """
    try:
        header = read_header(data)
    except HeaderError as error:
        raise PhotoError(f"{path}: {error}") from error
    _check_declared_size(path, header)
    if header.first is not None:
        data = tiff.starting_at(data, header.first)
    if header.format == "BMP" and bmp.is_packed(data):
        unpacked = bmp.unpack(data)
        if unpacked is None:
            raise PhotoError(f"{path}: is truncated or damaged")
        return _stored_image(path, unpacked, header)
    decoded = _decode(path, data, header)
    if decoded.colours is not None:
        header = replace(header, colours=decoded.colours)
    if header.images > 1:
        note(f"{path}: holds {header.images} images; the primary one is read")
    turn = _UPRIGHT.get(orientation(decoded.exif), _UPRIGHT[1])
    return _stored_image(path, turn(decoded.pixels), header)


def _stored_image(path: Path, pixels: AnyArray, header: Header) -> StoredImage:
    """Return decoded pixels, [H, W] or [H, W, C], in the meaning that the header declares."""
    if pixels.dtype not in (np.uint8, np.uint16):
        raise PhotoError(f"{path}: has {pixels.dtype} samples; save it with 8 or 16 bits per channel")
    layers = pixels[..., None] if pixels.ndim == 2 else pixels
    channels = layers.shape[2]
    colour = layers[..., :1] if channels <= 2 else layers[..., 2::-1]
    white = np.iinfo(colour.dtype).max
    if header.white_is_zero:
        colour = white - colour
    if header.transparency is Transparency.NONE:
        return StoredImage(
            colour, colours=header.colours, name=path
        )  # a further channel that the header does not declare has no meaning
    if header.key is not None and channels == 1:
        alpha = np.where(colour[..., 0] == header.key, 0, white).astype(colour.dtype)
        return StoredImage(colour, alpha, keyed=True, colours=header.colours, name=path)
    if channels not in (2, 4):
        raise PhotoError(f"{path}: has an alpha channel that cannot be read; save it as a PNG")
    premultiplied = header.transparency is Transparency.PREMULTIPLIED
    return StoredImage(colour, layers[..., -1], premultiplied, header.keyed, header.colours, path)


def to_8_bits(samples: NDArray[np.uint16]) -> U8Array:
    """Convert 16 bits to 8: v / 257, rounded, since 65535 = 257 · 255."""
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def over_white(colour: AnyArray, alpha: AnyArray, premultiplied: bool = False) -> AnyArray:
    """Composite colours over white, rounded half up: colour · alpha, unless premultiplied, + white · (1 − alpha).

    Args:
        colour: uint8 or uint16 [H, W, C].
        alpha: of the same type, [H, W, 1].
        premultiplied: whether the colours are multiplied by the alpha.

    Returns:
        An array of the type and shape of `colour`.
    """
    white = int(np.iinfo(colour.dtype).max)
    if premultiplied:
        result: AnyArray = colour + np.minimum(white - alpha, white - colour)
        return result
    wide = alpha.astype(np.uint32)  # 65535² + 32767 < 2^32
    total = colour * wide + white * (white - wide) + white // 2
    return (total // white).astype(colour.dtype)


def _decode(path: Path, data: bytes, header: Header) -> Decoded:
    try:
        decoded = decode(data, header)
    except DecodeError as error:
        raise PhotoError(f"{path}: {error}") from error
    except MemoryError as error:
        raise PhotoError(f"{path}: does not fit into memory") from error
    height, width = decoded.pixels.shape[:2]
    if height * width > MAX_PIXELS:  # of a format whose header is not read
        raise PhotoError(f"{path}: {_too_large(f'{width}×{height}')}")
    return decoded


def _divided(colour: AnyArray, alpha: AnyArray) -> AnyArray:
    """Return colours that are multiplied by their alpha without it, rounded; what is transparent stays as it is."""
    most = int(np.iinfo(colour.dtype).max)
    divisor = np.maximum(alpha, 1).astype(np.uint32)
    wide = (colour.astype(np.uint32) * most + divisor // 2) // divisor
    return np.where(alpha > 0, np.minimum(wide, most), colour).astype(colour.dtype)


def _check_declared_size(path: Path, header: Header) -> None:
    """Refuse a decompression bomb by its header, before a decoder allocates for it."""
    size = f"{header.width}×{header.height}"
    if header.width * header.height > MAX_PIXELS:
        raise PhotoError(f"{path}: {_too_large(size)}")
    if header.bytes > MAX_BYTES:
        raise PhotoError(
            f"{path}: {size} pixels of {header.channels} channels with {header.bits} bits are too large; at most "
            f"{MAX_BYTES >> 20:,} MiB are decoded: save it smaller or with 8 bits"
        )


def _too_large(what: str) -> str:
    return f"{what} is too large; at most {MAX_PIXELS:,} pixels are read"
