"""Colour spaces of photos: what their numbers stand for, brought to sRGB.

Photos of phones are in Display P3, photos of cameras often in Adobe RGB. The network was trained on sRGB, composites
mix colours of several images, and the files that are written have no profile, which means sRGB. So every photo is
brought to sRGB when it is read. Colours beyond sRGB become its most saturated ones. Mattes are not colours: their
values stay as they are.

- `declared`: `DeclaredColours`, what a file says of its colours.
- `icc` reads ICC profiles, `spaces` holds the colour spaces that are known by name or by their primaries.
- `conversion` converts pixels; `tables` has LittleCMS do it for profiles made of tables.
"""

from mmnet.runtime.imaging.colours.conversion import to_srgb
from mmnet.runtime.imaging.colours.declared import DeclaredColours
from mmnet.runtime.imaging.colours.spaces import ColourError, ColourSpace

__all__ = ["ColourError", "ColourSpace", "DeclaredColours", "to_srgb"]
