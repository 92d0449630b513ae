"""What is made of every image: the model, the kind of result and its background, to be sent to every worker."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import cv2

from mmnet.runtime.fullres.compositing import Background, parse_background
from mmnet.runtime.fullres.rendering import ALPHA, COMPOSITE, CUTOUT, Renderer, ResultKind
from mmnet.runtime.fullres.upsampling import DEFAULT, Upsampling
from mmnet.runtime.imaging.photos import decode_photo
from mmnet.runtime.imaging.writing import encode_image
from mmnet.runtime.matter import PortraitMatter


@dataclass(frozen=True)
class Recipe:
    """The same photo and the same recipe give the same bytes, which are those of `mmnet matte`.

    Attributes:
        model: a .tflite.
        background: as `mmnet matte --background` takes it; None: the alpha matte itself.
        upsampling, foreground: as `mmnet matte` takes them.
        backdrop: the file's bytes where `background` is the path of an image.
    """

    model: bytes = field(repr=False)
    background: str | None = None
    upsampling: Upsampling = DEFAULT
    foreground: bool = True
    backdrop: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls, model: bytes, background: str | None, upsampling: Upsampling = DEFAULT, foreground: bool = True
    ) -> Recipe:
        """Check the background, and read it if it is an image.

        Raises:
            BackgroundError, PhotoError: as `parse_background`.
        """
        if background is not None:
            parse_background(background)
        is_file = background is not None and not background.startswith("#") and Path(background).is_file()
        backdrop = Path(str(background)).read_bytes() if is_file and not _is_word(str(background)) else None
        return cls(model, background, upsampling, foreground, backdrop)

    @property
    def kind(self) -> ResultKind:
        """What is made."""
        if self.background is None:
            return ALPHA
        return CUTOUT if self.background.lower() == "transparent" else COMPOSITE

    def describe(self) -> dict[str, Any]:
        """What decides the bytes of the results, as plain JSON values: two recipes of one description are the same."""
        described: dict[str, Any] = {
            "model": {"sha256": hashlib.sha256(self.model).hexdigest()},
            "make": self.kind.suffix,
            "upsampling": str(self.upsampling),
        }
        if self.kind is not ALPHA:
            described["foreground"] = self.foreground
        if self.backdrop is not None:
            described["background"] = {"sha256": hashlib.sha256(self.backdrop).hexdigest()}
        elif self.kind is COMPOSITE:
            described["background"] = str(self.background).lower()
        return described


@dataclass(frozen=True)
class Made:
    """A result: the bytes of its file, and its size in pixels."""

    content: bytes
    width: int
    height: int


class Maker:
    """A recipe in one interpreter on one thread: for one worker."""

    def __init__(self, recipe: Recipe) -> None:
        """Load the model.

        Raises:
            ModelError: see `MattingModel`.
        """
        cv2.setNumThreads(1)  # a worker has one core
        self._render = Renderer(recipe.kind, _background(recipe), recipe.foreground)
        self._matter = PortraitMatter(recipe.model, threads=1, upsampling=recipe.upsampling)

    def __call__(self, name: str, data: bytes, output: str) -> Made:
        """Matte one image.

        Args:
            name: what messages call it.
            data: the bytes of a photo's file.
            output: the result's name, whose extension says its format.

        Raises:
            PhotoError: it cannot be read.
            OutputError: the format cannot hold the result.
            ModelError: the model failed on it.
        """
        photo = decode_photo(data, name)
        image = self._render(photo, self._matter.photo(photo).alpha_u8)
        return Made(encode_image(Path(PurePosixPath(output)), image), photo.shape[1], photo.shape[0])


def _background(recipe: Recipe) -> Background | None:
    if recipe.background is None:
        return None
    if recipe.backdrop is None:
        return parse_background(recipe.background)
    with tempfile.TemporaryDirectory(prefix="mmnet-") as folder:
        path = Path(folder) / "backdrop"
        path.write_bytes(recipe.backdrop)
        return parse_background(str(path))


def _is_word(background: str) -> bool:
    """Whether a word or a colour wins over a file of that name, as in `parse_background`."""
    from mmnet.runtime.fullres.compositing import BLUR, COLOURS, TRANSPARENT

    return background.lower() in {*COLOURS, BLUR, TRANSPARENT}
