"""A photo job: one photo file in, one image file out."""

from __future__ import annotations

from pathlib import Path

from mmnet.files import make_folder
from mmnet.runtime.fullres.rendering import Renderer
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.writing import write_image
from mmnet.runtime.matter import PortraitMatter


def matte_photo(
    matter: PortraitMatter, source: Path, output: Path, renderer: Renderer, *, force: bool
) -> tuple[int, int]:
    """Matte a photo file into an image file.

    Args:
        matter: computes the alpha.
        source: a photo.
        output: an image file; its folder is created if it does not exist.
        renderer: renders the photo and its alpha.
        force: whether an output that exists is replaced.

    Returns:
        Width and height of the photo, in pixels.

    Raises:
        PhotoError: the photo cannot be read.
        ModelError: the model fails on it.
        OutputError: the output cannot be written.
    """
    photo = read_photo(source)
    image = renderer(photo, matter.photo(photo).alpha_u8)
    make_folder(output.parent)
    write_image(output, image, replace=force)
    return photo.shape[1], photo.shape[0]
