"""Parts of images on their way through the network: as the network's input, and with the network's alpha."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mmnet.arrays import Alpha, U8Array
from mmnet.runtime.fullres.placing import AlphaPart
from mmnet.runtime.imaging.fit import Placement
from mmnet.runtime.imaging.preprocess import fill_square
from mmnet.runtime.video.stream import Milliseconds


@dataclass(frozen=True)
class Prepared:
    """An image, and the part of it that the network sees.

    Attributes:
        frame: uint8 [H, W, 3].
        timestamp_ms: of a frame; 0 for a photo.
        placement: the part, and where it lies in the network's square.
        size: S.
    """

    frame: U8Array
    timestamp_ms: Milliseconds
    placement: Placement
    size: int

    @cached_property
    def model_input(self) -> U8Array:
        """The network's input, uint8 [S, S, 3]; computed when it is first read."""
        return fill_square(self.frame, self.placement, self.size)


@dataclass(frozen=True)
class Inferred:
    """A part of an image and the network's alpha of it, float32 [S, S] in 0-1."""

    prepared: Prepared
    alpha: Alpha

    @property
    def placed(self) -> AlphaPart:
        """The alpha, with the place of the part in the image."""
        return AlphaPart(self.alpha, self.prepared.placement, self.prepared.model_input)
