"""Rendering of results: an image and its alpha become the matte itself, a cut-out, or a composite."""

from __future__ import annotations

from dataclasses import dataclass

from mmnet.arrays import U8Array
from mmnet.runtime.fullres.alpha import AnyAlpha, alpha_u8_of
from mmnet.runtime.fullres.compositing import Background, composite, cutout, parse_background


@dataclass(frozen=True)
class ResultKind:
    """A kind of result.

    Attributes:
        suffix: what the names of result files end in: `photo-alpha.png`.
        lossless: whether images of this kind must keep every byte, as an alpha must.
    """

    suffix: str
    lossless: bool


ALPHA = ResultKind("alpha", lossless=True)
CUTOUT = ResultKind("cutout", lossless=True)
COMPOSITE = ResultKind("composite", lossless=False)


@dataclass(frozen=True)
class Renderer:
    """Renders the result of an image (a photo or a video frame) and its alpha.

    Attributes:
        kind: ALPHA, CUTOUT or COMPOSITE.
        background: the background of a composite; None for the other kinds.
        foreground: whether cut-outs and composites take the estimated foreground, or the image's own colours.
    """

    kind: ResultKind
    background: Background | None
    foreground: bool = True

    @classmethod
    def of(cls, background: str | None, foreground: bool = True) -> Renderer:
        """Return the renderer for a value of `--background`; None renders the alpha itself.

        Raises:
            BackgroundError, PhotoError: see `parse_background`.
        """
        parsed = None if background is None else parse_background(background)
        kind = ALPHA if background is None else CUTOUT if parsed is None else COMPOSITE
        return cls(kind, parsed, foreground)

    def __call__(self, image: U8Array, alpha: AnyAlpha) -> U8Array:
        """Render the result of uint8 [H, W, 3], RGB, and its alpha.

        Returns:
            uint8: the alpha [H, W], 255 = foreground; the cut-out [H, W, 4], RGBA; or the composite [H, W, 3], RGB.
        """
        if self.kind is ALPHA:
            return alpha_u8_of(image, alpha).values
        if self.background is None:
            return cutout(image, alpha, estimate_foreground=self.foreground)
        return composite(image, alpha, self.background(image, alpha), estimate_foreground=self.foreground)
