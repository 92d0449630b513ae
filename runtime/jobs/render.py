"""What is made of a picture and its alpha matte: the matte itself, a cut-out, or a composite."""

from __future__ import annotations

from dataclasses import dataclass

from mmnet.runtime.fullres.alpha import AnyAlpha, shares_of
from mmnet.runtime.fullres.compositing import Background, composite, cutout, parse_background
from mmnet.runtime.imaging.preprocess import Bytes
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

    def __call__(self, picture: Bytes, alpha: AnyAlpha) -> Bytes:
        """uint8: [H, W], [H, W, 4] or [H, W, 3], by the kind."""
        if self.kind is ALPHA:
            return shares_of(picture, alpha).share
        if self.behind is None:
            return cutout(picture, alpha, estimate_foreground=self.foreground)
        return composite(picture, alpha, self.behind(picture, alpha), estimate_foreground=self.foreground)
