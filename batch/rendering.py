"""Rendering of one image in a worker: the bytes of a photo in, the bytes of its result file out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmnet.runtime.fullres.compositing import BLUR, COLOURS, TRANSPARENT, Background, cover, parse_background
from mmnet.runtime.fullres.methods import DEFAULT, Upsampling
from mmnet.runtime.fullres.rendering import ALPHA, COMPOSITE, CUTOUT, Renderer, ResultKind
from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit
from mmnet.runtime.imaging.nobody import IfNobody
from mmnet.runtime.imaging.photos import decode_photo
from mmnet.runtime.imaging.writing import encode_image
from mmnet.runtime.matter import PortraitMatter


@dataclass(frozen=True)
class RenderOptions:
    """The rendering that every image gets. It can be sent to other processes and machines.

    The same photo and the same options give the same bytes, which are those of `mmnet matte`.

    Attributes:
        model: the bytes of a .tflite.
        background: the value of `mmnet matte --background`; None renders the alpha matte itself.
        upsampling: how the network's alpha is brought to the photo's size.
        foreground: whether cut-outs and composites take the estimated foreground, or the photo's own colours.
        fit: how a photo is brought into the network's square.
        if_nobody: what becomes of a photo in which nobody was found.
        background_file: the bytes of the image file where `background` is its path, else None.
    """

    model: bytes = field(repr=False)
    background: str | None = None
    upsampling: Upsampling = DEFAULT
    foreground: bool = True
    fit: Fit = DEFAULT_FIT
    if_nobody: IfNobody = IfNobody.KEEP
    background_file: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        model: bytes,
        background: str | None,
        upsampling: Upsampling = DEFAULT,
        foreground: bool = True,
        fit: Fit = DEFAULT_FIT,
        if_nobody: IfNobody = IfNobody.KEEP,
    ) -> RenderOptions:
        """Return the options, with the background checked, and read where it is an image.

        Raises:
            BackgroundError, PhotoError: see `parse_background`.
        """
        content = None
        if background is not None:
            parse_background(background)
            if _is_path(background):
                content = Path(background).read_bytes()
        return cls(model, background, upsampling, foreground, fit, if_nobody, content)

    @property
    def kind(self) -> ResultKind:
        """The kind of the results."""
        if self.background is None:
            return ALPHA
        return CUTOUT if self.background.lower() == TRANSPARENT else COMPOSITE

    def describe(self) -> dict[str, Any]:
        """Return what decides the bytes of the results, as JSON values: equal descriptions mean equal results."""
        described: dict[str, Any] = {
            "model": {"sha256": hashlib.sha256(self.model).hexdigest()},
            "make": self.kind.suffix,
            "upsampling": str(self.upsampling),
            "fit": str(self.fit),
        }
        if self.if_nobody is not IfNobody.KEEP:
            described["if_nobody"] = str(self.if_nobody)
        if self.kind is not ALPHA:
            described["foreground"] = self.foreground
        if self.background_file is not None:
            described["background"] = {"sha256": hashlib.sha256(self.background_file).hexdigest()}
        elif self.kind is COMPOSITE:
            described["background"] = str(self.background).lower()
        return described


@dataclass(frozen=True)
class EncodedImage:
    """A result: the bytes of its file, its size in pixels, and whether nobody was found in the photo."""

    content: bytes
    width: int
    height: int
    nobody: bool = False


class ImageRenderer:
    """The model and the renderer of one worker. The network runs on one thread."""

    def __init__(self, options: RenderOptions) -> None:
        """Load the model.

        Raises:
            ModelError: see `MattingModel`.
        """
        self._render = Renderer(options.kind, _background(options), options.foreground)
        self._matter = PortraitMatter(
            options.model, threads=1, upsampling=options.upsampling, fit=options.fit, if_nobody=options.if_nobody
        )

    def __call__(self, name: str, data: bytes, output: str) -> EncodedImage:
        """Render the result of one image.

        Args:
            name: the image's name, for messages.
            data: the bytes of a photo file.
            output: the name of the result, whose extension decides its format.

        Raises:
            PhotoError: the photo cannot be read.
            OutputError: the format cannot hold the result.
            ModelError: the network failed.
            NobodyError: nobody was found, and that is an error.
        """
        photo = decode_photo(data, name)
        matte = self._matter.photo(photo)
        image = self._render(photo, matte.alpha_u8)
        return EncodedImage(encode_image(Path(output), image), photo.shape[1], photo.shape[0], matte.nobody)


def _background(options: RenderOptions) -> Background | None:
    if options.background is None:
        return None
    if options.background_file is None:
        return parse_background(options.background)
    photo = decode_photo(options.background_file, options.background)
    return lambda image, _: cover(photo, image.shape[0], image.shape[1])


def _is_path(background: str) -> bool:
    """Whether a background is the path of an image: words and colours win over files of that name."""
    word = background.lower()
    return not word.startswith("#") and word not in {*COLOURS, BLUR, TRANSPARENT}
