"""The alpha of a photo as a fit makes it: where in the photo the network looked, and what it computed there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.evaluation.models import LoadedModel, Pixels
from mmnet.evaluation.resize import Resize
from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit, Placement, Rectangle, choose_fit, place
from mmnet.runtime.imaging.framing import find_crops
from mmnet.runtime.imaging.tracking import CropTracker


def fit_for(name: str | None, resize: Resize) -> Fit:
    """Return the fit called `name`; for None `auto`, or `stretch` with a resize other than the runtime's.

    Raises:
        FitError: there is no such fit.
    """
    if name is None:
        return DEFAULT_FIT if resize.name == "runtime" else Fit.STRETCH
    return choose_fit(name)


@dataclass(frozen=True)
class PlacedAlpha:
    """The alpha of a part of a photo, and where it lies in the photo.

    Attributes:
        alpha: float32 [S, S] in 0-1.
        placement: the part of the photo that the network saw, and the part of the square that this filled.
    """

    alpha: F32Array
    placement: Placement


@dataclass(frozen=True)
class PhotoAlpha:
    """The alpha of a photo.

    Attributes:
        parts: at least one: the alpha of the photo as a whole, or of each crop. No two share a pixel of the photo.
    """

    parts: tuple[PlacedAlpha, ...]

    @classmethod
    def of_whole(cls, alpha: F32Array, height: int, width: int) -> PhotoAlpha:
        """Return an alpha of a whole photo of `height` × `width` pixels, stretched."""
        return cls((PlacedAlpha(alpha, Placement.of_crop(Rectangle(0, 0, height, width), len(alpha))),))

    def stretched(self, height: int, width: int) -> F32Array | None:
        """Return the network's own alpha, if it is that of a whole photo of `height` × `width` pixels, stretched."""
        first = self.parts[0]
        whole = Placement.of_crop(Rectangle(0, 0, height, width), len(first.alpha))
        return first.alpha if first.placement == whole else None

    def at_photo(self, resize: Resize, height: int, width: int) -> F32Array:
        """Return the alpha at the size of its photo: float32 [height, width], 0 where the network did not look."""
        placed = np.zeros((height, width), np.float32)
        for part in self.parts:
            seen = part.placement.seen
            placed[seen.slices] = resize.alpha(part.alpha[part.placement.filled.slices], seen.height, seen.width)
        return placed


@dataclass(frozen=True)
class FramedPhoto:
    """A photo, and the network's inputs made from it, each made once for all models.

    Attributes:
        photo: uint8 [H, W, 3], RGB.
        resize: how photos are resized.
    """

    photo: U8Array
    resize: Resize
    _inputs: dict[tuple[Placement, int], Pixels] = field(default_factory=dict)

    def input(self, placement: Placement, size: int) -> Pixels:
        """Return the network's input for a placement: [size, size, 3], uint8 or float32 in 0-255."""
        key = placement, size
        if key not in self._inputs:
            filled = placement.filled
            pixels = self.resize.photo(self.photo[placement.seen.slices], filled.height, filled.width)
            if (filled.height, filled.width) != (size, size):
                square = np.zeros((size, size, 3), pixels.dtype)
                square[filled.slices] = pixels
                pixels = square
            self._inputs[key] = pixels
        return self._inputs[key]

    def alpha(self, model: LoadedModel, fit: Fit) -> PhotoAlpha:
        """Compute the alpha of a model as the runtime does: with `Fit.AUTO` in two passes where people are small.

        Raises:
            ModelError: the model cannot be run, or its alpha is not finite.
        """
        return self.alphas([model], fit)[0]

    def alphas(self, models: Sequence[LoadedModel], fit: Fit) -> list[PhotoAlpha]:
        """Compute the alphas of several models that all look at the same parts of the photo: where the first one does.

        Raises:
            ModelError: a model cannot be run, or its alpha is not finite.
        """
        height, width = self.photo.shape[:2]
        first = self._run(models[0], place(fit, height, width, models[0].size))
        crops = find_crops(first.alpha, height, width) if fit is Fit.AUTO else []
        if crops:
            return [
                PhotoAlpha(tuple(self._run(model, Placement.of_crop(crop, model.size)) for crop in crops))
                for model in models
            ]
        others = [self._run(model, place(fit, height, width, model.size)) for model in models[1:]]
        return [PhotoAlpha((part,)) for part in (first, *others)]

    def followed(self, model: LoadedModel, tracker: CropTracker) -> PhotoAlpha:
        """Compute the alpha of a model for the next frame of a video, on the crop that follows the people.

        Raises:
            ModelError: the model cannot be run, or its alpha is not finite.
        """
        height, width = self.photo.shape[:2]

        def compute(crop: Rectangle) -> F32Array:
            return self._run(model, Placement.of_crop(crop, model.size)).alpha

        crop, alpha = tracker.follow(height, width, compute)
        return PhotoAlpha((PlacedAlpha(alpha, Placement.of_crop(crop, model.size)),))

    def _run(self, model: LoadedModel, placement: Placement) -> PlacedAlpha:
        return PlacedAlpha(model.run_float(self.input(placement, model.size)), placement)
