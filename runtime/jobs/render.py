"""What is made of an image and its alpha matte: the matte itself, a cut-out, or a composite."""

from __future__ import annotations

from dataclasses import dataclass

from mmnet.arrays import U8Array
from mmnet.runtime.fullres.alpha import AnyAlpha, alpha_u8_of
from mmnet.runtime.fullres.compositing import Background, composite, cutout, parse_background
from mmnet.runtime.jobs.outputs import ALPHA, COMPOSITE, CUTOUT, Kind


@dataclass(frozen=True)
class Rendering:
    """How to make it; call it with a photo or frame, uint8 [H, W, 3], and its alpha.

    Attributes:
        behind: what lies behind a composite; None for the other kinds.
        kind: alpha, cut-out or composite.
        foreground: whether the person's own colours are estimated for cut-outs and composites.
    """

    kind: Kind
    behind: Background | None
    foreground: bool = True

    @classmethod
    def of(cls, background: str | None, foreground: bool = True) -> Rendering:
        """What `--background` asks for; None is the alpha itself.

        Raises:
            BackgroundError, PhotoError: as `parse_background`.
        """
        behind = None if background is None else parse_background(background)
        kind = ALPHA if background is None else CUTOUT if behind is None else COMPOSITE
        return cls(kind, behind, foreground)

    def __call__(self, image: U8Array, alpha: AnyAlpha) -> U8Array:
        """uint8: [H, W], [H, W, 4] or [H, W, 3], by the kind."""
        if self.kind is ALPHA:
            return alpha_u8_of(image, alpha).values
        if self.behind is None:
            return cutout(image, alpha, estimate_foreground=self.foreground)
        return composite(image, alpha, self.behind(image, alpha), estimate_foreground=self.foreground)
