"""A photo job: one photo file in, one image file out."""

from __future__ import annotations

from pathlib import Path

from mmnet.files import make_folder
from mmnet.runtime.fullres.rendering import Renderer
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.writing import write_image
from mmnet.runtime.matter import PortraitMatter
from mmnet.runtime.video.stream import Matte


def matte_photo(matter: PortraitMatter, source: Path, output: Path, renderer: Renderer, *, force: bool) -> Matte:
    """Matte a photo file into an image file.

    Args:
        matter: computes the alpha.
        source: a photo.
        output: an image file; its folder is created if it does not exist.
        renderer: renders the photo and its alpha.
        force: whether an output that exists is replaced.

    Returns:
        The photo and its matte.

    Raises:
        PhotoError: the photo cannot be read.
        ModelError: the model fails on it.
        NobodyError: nobody was found, and `matter` takes that as an error.
        OutputError: the output cannot be written.
    """
    photo = read_photo(source)
    matte = matter.photo(photo)
    image = renderer(photo, matte.alpha_u8)
    make_folder(output.parent)
    write_image(output, image, replace=force)
    return matte
