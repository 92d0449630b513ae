"""The figures of a report: which metric is computed, at which size, and how it is defined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array, U8Array
from mmnet.evaluation import metrics
from mmnet.evaluation.framing import PhotoAlpha
from mmnet.evaluation.resize import Resize, resize_legacy_bilinear
from mmnet.runtime.fullres.alpha import to_alpha_bytes

PAPER_SIZE = 256
PAPER_HEIGHT, PAPER_WIDTH = 800, 600


class Truth:
    """One image's true matte α*, resized to each size at most once, for all the models that are compared with it.

    Attributes:
        mask: α* as stored, uint8 [H, W], 255 = the foreground.
        resize: the resize of photos and masks.
    """

    def __init__(self, mask: U8Array, resize: Resize) -> None:
        self.mask = mask
        self.resize = resize

    @cached_property
    def at_256(self) -> F32Array:
        """α* on the 256×256 grid of the network, float32 in 0-1."""
        return self.resize.mask(self.mask, PAPER_SIZE)

    @cached_property
    def at_photo(self) -> F32Array:
        """α* at the photo's size, float32 in 0-1."""
        return self.mask.astype(np.float32) / np.float32(255)

    @cached_property
    def at_800x600(self) -> F32Array:
        """α* at 800×600 (height × width), resized from its own size by TensorFlow 1's default bilinear."""
        return resize_legacy_bilinear(self.at_photo, PAPER_HEIGHT, PAPER_WIDTH)

    @cached_property
    def band(self) -> NDArray[np.bool_]:
        """The band around the edge of the foreground, bool, at the photo's size."""
        return metrics.boundary_band(self.at_photo)


class Comparison:
    """One image's α and α* at the sizes that figures are computed at, each resized at most once.

    Where the network saw the whole photo, α is resized from its own size. Where it saw parts, or black beside the
    photo, α is brought to the photo's size first, and resized from there as α* is.

    Attributes:
        truth: α*.
        alpha: α as the model computes it, and where it lies in the photo.
    """

    def __init__(self, truth: Truth, alpha: PhotoAlpha) -> None:
        self.truth = truth
        self.alpha = alpha
        self._stretched = alpha.stretched(*truth.mask.shape)

    @cached_property
    def at_256(self) -> tuple[F32Array, F32Array]:
        """α and α* on the 256×256 grid; the α of a model of another size is resized to it."""
        alpha, resize = self._stretched, self.truth.resize
        if alpha is None:
            alpha = resize.mask(to_alpha_bytes(self.at_photo[0]), PAPER_SIZE)
        elif alpha.shape != (PAPER_SIZE, PAPER_SIZE):
            alpha = resize.alpha(alpha, PAPER_SIZE, PAPER_SIZE)
        return alpha, self.truth.at_256

    @cached_property
    def at_800x600(self) -> tuple[F32Array, F32Array]:
        """α and α* at 800×600 (height × width) by TensorFlow 1's default bilinear."""
        alpha = self.at_photo[0] if self._stretched is None else self._stretched
        return resize_legacy_bilinear(alpha, PAPER_HEIGHT, PAPER_WIDTH), self.truth.at_800x600

    @cached_property
    def at_photo(self) -> tuple[F32Array, F32Array]:
        """α and α* at the photo's size; α is resized by `Resize.alpha`."""
        return self.alpha.at_photo(self.truth.resize, *self.truth.mask.shape), self.truth.at_photo


@dataclass(frozen=True)
class Figure:
    """One row of the report.

    Attributes:
        name: its name in tables and in JSON.
        definition: its definition, with the size that it is computed at.
        compute: the function from one image to its value; NaN where the image has none.
        higher_is_better: whether larger values are better; true only of IoU.
    """

    name: str
    definition: str
    compute: Callable[[Comparison], float]
    higher_is_better: bool = False


FIGURES: tuple[Figure, ...] = (
    Figure("MAD_256x256", "mean |α − α*| at 256×256", lambda c: metrics.mad(*c.at_256)),
    Figure(
        "GAUSS_GRAD_256x256",
        "mean |∇α − ∇α*| at 256×256, first derivative of a Gaussian, σ 1.4",
        lambda c: metrics.gauss_grad(*c.at_256),
    ),
    Figure("MAD_800x600", "mean |α − α*| at 800×600", lambda c: metrics.mad(*c.at_800x600)),
    Figure(
        "GAUSS_GRAD_800x600",
        "mean |∇α − ∇α*| at 800×600, first derivative of a Gaussian, σ 1.4",
        lambda c: metrics.gauss_grad(*c.at_800x600),
    ),
    Figure("MAD", "mean |α − α*| at the photo's size", lambda c: metrics.mad(*c.at_photo)),
    Figure(
        "MAD_band",
        f"the same within {metrics.BAND_WIDTH:.0%} of the longer side from the edge α* = 0.5",
        lambda c: metrics.band_mad(*c.at_photo, c.truth.band),
    ),
    Figure("MSE", "mean (α − α*)² at the photo's size", lambda c: metrics.mse(*c.at_photo)),
    Figure("SAD", "Σ |α − α*| / 1000 at the photo's size, all pixels", lambda c: metrics.sad(*c.at_photo)),
    Figure(
        "CONN",
        "connectivity error / 1000 of alphamatting.com at the photo's size, all pixels",
        lambda c: metrics.connectivity_error(*c.at_photo),
    ),
    Figure(
        "IoU",
        "intersection over union of α, α* >= 0.5 at the photo's size",
        lambda c: metrics.iou(*c.at_photo),
        higher_is_better=True,
    ),
)
WORST_BY = "MAD"


def measure(alpha: PhotoAlpha | F32Array, truth: Truth) -> dict[str, float]:
    """Compute every figure of one image.

    Args:
        alpha: the model's α, and where it lies in the photo; or float32 [S, S] in 0-1, of the whole photo.
        truth: the image's α*.

    Returns:
        Figure name -> value, NaN where the image has none.
    """
    photo_alpha = alpha if isinstance(alpha, PhotoAlpha) else PhotoAlpha.of_whole(alpha, *truth.mask.shape)
    comparison = Comparison(truth, photo_alpha)
    return {figure.name: figure.compute(comparison) for figure in FIGURES}
