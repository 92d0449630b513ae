"""Rendering of one photo in a worker process: the bytes of a photo file in, those of an image file out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmnet.errors import OutputError
from mmnet.runtime.fullres.rendering import Renderer
from mmnet.runtime.imaging.headers.facts import HeaderError
from mmnet.runtime.imaging.headers.reading import read_header
from mmnet.runtime.imaging.photos import decode_photo
from mmnet.runtime.imaging.stored import PhotoError
from mmnet.runtime.imaging.writing import encode_image
from mmnet.runtime.matter import PortraitMatter
from mmnet.runtime.model import MattingModel
from mmnet.serve.options import MatteRequest

_NAME = "photo"  # what messages call it


class PhotoTooLargeError(PhotoError):
    """A photo has more pixels than the server takes."""


@dataclass(frozen=True)
class RenderedPhoto:
    """A result.

    Attributes:
        content: the bytes of an image file.
        coverage: the part of the photo that people cover, in 0-1.
        confidence: the confidence that somebody is there, in 0-1.
        nobody: whether nobody was found.
    """

    content: bytes
    coverage: float
    confidence: float
    nobody: bool


class PhotoRenderer:
    """The model of one worker process. The network runs on one thread."""

    def __init__(self, model: bytes, max_pixels: int) -> None:
        """Load the model.

        Args:
            model: the bytes of a .tflite.
            max_pixels: width times height that a photo may have.

        Raises:
            ModelError: see `MattingModel`.
        """
        self._model = MattingModel(model, threads=1)
        self._max_pixels = max_pixels

    def __call__(self, data: bytes, request: MatteRequest) -> RenderedPhoto:
        """Render the result of one photo.

        Args:
            data: the bytes of a photo file.
            request: what is asked for.

        Raises:
            PhotoTooLargeError: the photo has too many pixels.
            PhotoError: the photo cannot be read.
            BackgroundError: the background is no colour.
            OutputError: the format cannot hold the result.
            ModelError: the network failed.
            NobodyError: nobody was found, and that is an error.
        """
        settings = request.profile.settings
        render = Renderer.of(request.background, settings.foreground)
        self._check_size(data)
        photo = decode_photo(data, _NAME)
        self._check_pixels(photo.shape[1], photo.shape[0])
        matter = PortraitMatter(self._model, profile=request.profile, fit=request.fit, if_nobody=request.if_nobody)
        matte = matter.photo(photo)
        image = render(photo, matte.alpha_u8)
        try:
            content = encode_image(Path(f"result.{request.format}"), image)
        except OutputError as error:
            raise OutputError(
                f"JPEG cannot hold {photo.shape[1]}×{photo.shape[0]} pixels; ask for format=png"
            ) from error
        return RenderedPhoto(content, matte.coverage, matte.confidence, matte.nobody)

    def _check_size(self, data: bytes) -> None:
        """Refuse a photo by the size that its header declares, before anything is decoded."""
        try:
            header = read_header(data)
        except HeaderError:
            return  # decoding says what it is
        self._check_pixels(header.width, header.height)

    def _check_pixels(self, width: int, height: int) -> None:
        if width * height > self._max_pixels:
            raise PhotoTooLargeError(
                f"the photo has {width}×{height} pixels; this server takes {self._max_pixels:,} at most"
            )
