"""Headers of image files: what a file is, and what it declares about its pixels, before any decoder runs.

A decoder takes the first image of a file and guesses what it does not know. The header is read first, so that nothing
is guessed: an image that is not surely understood is refused, with what it is and what to do. A file of a few bytes can
also declare an image that fills the memory; it is refused before a decoder allocates for it.

- `signatures`: which kind of file it is, by its first bytes.
- `facts`: `Header`, what a header declares.
- `png`, `jpeg`, `webp`, `bmp`, `tiff`, `heif` (HEIC and AVIF), `jpeg_xl`: one reader per format; `exif` reads the
  orientation, `boxes` the parts of the last three formats. `heif_items` reads the images in a HEIC or AVIF, and
  `heif_sizes` refuses those that are of another size than is declared.
"""

from mmnet.runtime.imaging.headers.facts import Header, HeaderError, Transparency
from mmnet.runtime.imaging.headers.reading import bits_per_sample, read_header
from mmnet.runtime.imaging.headers.signatures import is_image, unread_image, video_name

__all__ = [
    "Header",
    "HeaderError",
    "Transparency",
    "bits_per_sample",
    "is_image",
    "read_header",
    "unread_image",
    "video_name",
]
