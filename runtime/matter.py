"""Photo → alpha matte at the photo's own size."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mmnet.runtime.model import Alpha, MattingModel, default_model
from mmnet.runtime.preprocess import Bytes, ImageError, check_rgb_bytes, to_model_input
from mmnet.runtime.upsample import DEFAULT, Upsampling, upsample_alpha

Image = NDArray[np.uint8] | NDArray[np.float32] | NDArray[np.float64]


class PortraitMatter:
    """Computes the alpha matte of the person in a photo.

        matter = PortraitMatter("mmnet.tflite")
        alpha = matter(read_photo("photo.jpg"))

    It owns its model, unless it was given a `MattingModel`. Like that, it is for one thread at a time.
    """

    def __init__(
        self,
        model: str | Path | bytes | MattingModel | None = None,
        threads: int | None = None,
        upsampling: Upsampling = DEFAULT,
    ) -> None:
        """Load a model.

        Args:
            model: path or bytes of a .tflite, a loaded model, or None for the one that ships.
            threads: >= 1; None takes the processor's, at most 4. Not with a loaded model, which has its own.
            upsampling: how the model's alpha comes to the photo's size.

        Raises:
            ModelError: see `MattingModel`; or None was given and no model ships.
        """
        self.upsampling = upsampling
        self._owned = not isinstance(model, MattingModel)
        if isinstance(model, MattingModel):
            if threads is not None:
                raise TypeError("threads belongs to the MattingModel given")
            self.model = model
        else:
            self.model = MattingModel(default_model() if model is None else model, threads)

    def __call__(self, image: Image) -> Alpha:
        """Compute the matte.

        Args:
            image: [H, W, 3], RGB; uint8 in 0-255, or float32 or float64 in 0-1 (rounded to bytes, as the
                network takes them).

        Returns:
            float32 [H, W] in 0-1, 1 = the person: the model's alpha, brought to the photo's size by
            `upsample.upsample_alpha`.

        Raises:
            ImageError: another shape or dtype; not finite; outside 0-1.
            ModelError: see `MattingModel.run`.
        """
        photo = as_bytes(image)
        seen = to_model_input(photo, self.model.size)
        return upsample_alpha(self.model.run_float(seen), photo, self.upsampling, model_input=seen)

    def alpha_bytes(self, image: Image) -> Bytes:
        """As a call, but at the model's size and as bytes: uint8 [S, S], 255 = the person."""
        return self.model.run(to_model_input(as_bytes(image), self.model.size))

    def close(self) -> None:
        """Free the model, if it is this object's own."""
        if self._owned:
            self.model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def as_bytes(image: Image) -> Bytes:
    """uint8 stays; float in 0-1 becomes round(255 · value). Shape [H, W, 3].

    Raises:
        ImageError: another shape or dtype; not finite; outside 0-1.
    """
    if not isinstance(image, np.ndarray) or image.dtype not in (np.float32, np.float64):
        return check_rgb_bytes(image)
    floats: NDArray[Any] = image
    if floats.size:
        low, high = float(floats.min()), float(floats.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ImageError("the image has values that are not finite (NaN or infinity)")
        if low < 0 or high > 1:
            raise ImageError(f"the image has values from {low:g} to {high:g}; a float image lies in 0-1")
    return check_rgb_bytes(np.rint(floats * 255).astype(np.uint8))
