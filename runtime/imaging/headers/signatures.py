"""Kinds of files by their first bytes: images that are read, images that are not, and videos."""

from __future__ import annotations

import re
import struct

JPEG_MAGIC, PNG_MAGIC, BMP_MAGIC, RIFF_MAGIC = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF"
GIF = (b"GIF87a", b"GIF89a")  # read as videos
TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF's

_JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")  # a codestream, and one in boxes

BEGINNING = 4096  # bytes that suffice for all functions of this module

_RAW = "a camera's raw file"
# Brands of files that hold images in the boxes of MP4 (ISO/IEC 23008-12, MIAF, AVIF, Canon's CR3).
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
_IMAGE_BRANDS = {b"mif1", b"mif2", b"msf1", b"miaf", b"MiHE", b"MiHB", b"1pic"}
_AVIF_BRANDS = {b"avif", b"avis", b"MA1A", b"MA1B"}

# Signature -> the image, as a message calls it. All of them are refused.
_UNREAD: tuple[tuple[bytes, str], ...] = (
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\xff\xd8\xff\xf7", "a JPEG-LS image"),
    (b"II\xbc", "a JPEG XR image"),
    (GIF[0], "a GIF image"),
    (GIF[1], "a GIF image"),
    (b"8BPS", "a Photoshop document"),
    (b"gimp xcf", "a GIMP document"),
    (b"\x76\x2f\x31\x01", "an OpenEXR image"),
    (b"#?RADIANCE", "a Radiance HDR image"),
    (b"#?RGBE", "a Radiance HDR image"),
    (b"DDS ", "a DDS image"),
    (b"qoif", "a QOI image"),
    (b"BPG\xfb", "a BPG image"),
    (b"FLIF", "a FLIF image"),
    (b"\0\0\1\0", "an icon"),
    (b"\0\0\2\0", "a cursor"),
    (b"icns", "an icon"),
    (b"\x8bMNG\r\n\x1a\n", "an MNG animation"),
    (b"\x8bJNG\r\n\x1a\n", "a JNG image"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript document"),
    (b"SDPX", "a DPX image"),
    (b"XPDS", "a DPX image"),
    (b"\x80\x2a\x5f\xd7", "a Cineon image"),
    (b"SIMPLE  =", "a FITS image"),
    (b"\x59\xa6\x6a\x95", "a Sun raster image"),
    (b"\x01\xda\0", "an SGI image"),
    (b"\x01\xda\1", "an SGI image"),
    (b"/* XPM", "an XPM image"),
    (b"#define ", "an XBM image"),
    (b"\x0a\x05\x01", "a PCX image"),
    (b"AT&TFORM", "a DjVu document"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (b"FUJIFILMCCD-RAW", _RAW),
    (b"IIRO", _RAW),
    (b"IIRS", _RAW),
    (b"MMOR", _RAW),
    (b"IIU\0", _RAW),
    (b"FOVb", _RAW),
    (b"\0MRM", _RAW),
    (b"II\x1a\0\0\0HEAPCCDR", _RAW),
)
_NETPBM = re.compile(rb"P[1-7FfHh]\s")
_SVG = re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s>]", re.DOTALL)
# Signature -> the container of a video, as a message calls it.
_VIDEOS = (
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"FLV\1", "a Flash video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media video"),
    (b"\0\0\1\xba", "an MPEG video"),
    (b"\0\0\1\xb3", "an MPEG video"),
    (b"OggS", "an Ogg file"),
)


def is_image(beginning: bytes) -> bool:
    """Whether a file is an image, of a format that is read or of another, by its first `BEGINNING` bytes.

    A GIF is not, because it is read as a video.
    """
    return not beginning.startswith(GIF) and (
        image_format(beginning) is not None or unread_image(beginning) is not None
    )


def image_format(beginning: bytes) -> str | None:
    """Return the format of an image that can be read, as `Header.format` names it; None for anything else.

    Whether the decoder of HEIC, AVIF and JPEG XL is installed is another question: see
    `mmnet.runtime.imaging.decoders.lacking`.
    """
    if unread_image(beginning) is not None:
        return None
    if beginning.startswith(_JPEG_XL):
        return "JPEG XL"
    boxed = _boxed_image(beginning)
    if boxed is not None:
        return boxed
    if beginning.startswith(RIFF_MAGIC):
        return "WebP" if beginning[8:12] == b"WEBP" else None
    magics = {PNG_MAGIC: "PNG", JPEG_MAGIC: "JPEG", BMP_MAGIC: "BMP"} | dict.fromkeys(TIFF_MAGICS, "TIFF")
    return next((name for magic, name in magics.items() if beginning.startswith(magic)), None)


def unread_image(beginning: bytes) -> str | None:
    """Return what to say of an image of a format that is not read: what it is, and what to do; None for anything else.

    Args:
        beginning: the first `BEGINNING` bytes of the file.
    """
    what = _unread_box(beginning)
    if what is None:
        what = next((name for magic, name in _UNREAD if beginning.startswith(magic)), None)
    if what is None and _NETPBM.match(beginning):
        what = "a Netpbm image"
    if what is None and _SVG.match(beginning):
        what = "an SVG drawing"
    if what is None and beginning[8:10] == b"CR" and beginning.startswith(TIFF_MAGICS):
        what = _RAW
    if what is None:
        return None
    if what == _RAW:
        return f"is {what}, which is not read; develop it to JPEG or TIFF"
    return f"is {what}, which is not read; save it as JPEG or PNG"


def video_name(beginning: bytes) -> str | None:
    """Return what kind of video a file is, for a message: "an AVI video"; None for anything else."""
    boxed = _boxed_image(beginning) or _unread_box(beginning)
    if beginning[4:8] in (b"ftyp", b"moov", b"mdat") and boxed is None:
        return "an MP4 or QuickTime video"
    if beginning.startswith(RIFF_MAGIC) and beginning[8:12] == b"AVI ":
        return "an AVI video"
    return next((name for magic, name in _VIDEOS if beginning.startswith(magic)), None)


def _unread_box(beginning: bytes) -> str | None:
    """Return what a file of boxes (ISO/IEC 14496-12, 4.3) is, if it is an image that is never read."""
    kind, brands, _ = _brands(beginning)
    if kind == b"jP  ":
        return None if b"mjp2" in brands else "a JPEG 2000 image"
    return _RAW if brands[:1] == [b"crx "] else None


def _boxed_image(beginning: bytes) -> str | None:
    """Return "HEIC" or "AVIF", by the brands of a file of boxes; None for a video and for other files."""
    kind, brands, following = _brands(beginning)
    if kind == b"jP  ":
        return None
    major = brands[:1]
    # An image begins with its `meta` box; a video may list brands of images, too.
    named = {*brands} if following == b"meta" else {*major}
    if named & _AVIF_BRANDS:
        return "AVIF"
    if named & (_HEIC_BRANDS | _IMAGE_BRANDS):
        return "AVIF" if {*brands} & _AVIF_BRANDS else "HEIC"
    return None


def _brands(beginning: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Return the kind of the first box, the brands of the `ftyp` box, the major one first, and the box that follows."""
    first = beginning[4:8]
    at = 12 if first == b"jP  " else 0
    if beginning[at + 4 : at + 8] != b"ftyp":
        return first, [], b""
    (size,) = struct.unpack_from(">I", beginning, at)
    body = beginning[at + 8 : at + size]
    brands = [body[place : place + 4] for place in (0, *range(8, len(body), 4))]
    return first, brands, beginning[at + size + 4 : at + size + 8]
