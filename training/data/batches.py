"""The input pipeline: from the number of a batch to its images and mattes, the same at every call.

Nothing here has state: the content of batch 1000 follows from the seed and the number 1000 alone. A run that was
interrupted therefore goes on with exactly the data that it would have seen.
"""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.training.augment import Augmentation, AugmentationChoice, Sample, augment, published, resize
from mmnet.training.data.layouts import DataError
from mmnet.training.data.packs import Pack, PackError

Batch = tuple[AnyArray, F32Array]

# First words of the seeds, so that no two uses of chance share a seed.
_ORDER, _EPOCH, _IMAGE = 1, 2, 3


class SampleError(DataError):
    """An image of a batch could not be prepared; the message names it."""


@dataclass(frozen=True)
class Part:
    """Images of one pack with the weight that they are drawn with.

    Attributes:
        pack: holds the images.
        indices: int64 [M], which images of the pack belong to the part.
        weight: how often an epoch holds each image; a weight of 2 draws it twice.
    """

    pack: Pack
    indices: NDArray[np.int64]
    weight: float = 1.0

    @classmethod
    def whole(cls, pack: Pack, weight: float = 1.0) -> Part:
        """Return the part that holds all images of a pack."""
        return cls(pack, np.arange(len(pack)), weight)

    @property
    def draws(self) -> int:
        """Images of this part per epoch."""
        return max(1, round(self.weight * len(self.indices)))


@dataclass(frozen=True)
class Batches:
    """An endless, indexable sequence of batches.

    An epoch holds every image of weight 1 once and every image of weight 2.5 two or three times, in an order that is
    new in each epoch. The images of a part are drawn without replacement, across epochs too: none is drawn again
    before all of them were drawn.

    Attributes:
        parts: at least one, each with at least one image.
        batch_size: N, images per batch.
        size: S, side of the images in pixels.
        seed: determines the order and the augmentation.
        augmentation: the table of the strong augmentation, "published" for the paper's, None to resize only.
        backgrounds: uint8 [M, Q, Q, 3], photos to composite people over.
        workers: threads that `stream` prepares batches with; None: one per core.
        dtype: of the images: "float32" in [0, 1], or "uint8".

    Raises:
        DataError: there are no images, or `batch_size` is less than 1.
        PackError: a pack's images are smaller than S, or the augmentation replaces backgrounds and a pack holds no
            foregrounds.
    """

    parts: Sequence[Part]
    batch_size: int
    size: int
    seed: int = 0
    augmentation: AugmentationChoice = None
    backgrounds: Sequence[U8Array] | U8Array = ()
    workers: int | None = None
    dtype: Literal["float32", "uint8"] = "float32"

    def __post_init__(self) -> None:
        if not self.parts or not all(len(part.indices) for part in self.parts):
            raise DataError("there are no images to train on")
        if self.batch_size < 1:
            raise DataError(f"a batch of {self.batch_size} images is too small; choose at least 1")
        replaces = isinstance(self.augmentation, Augmentation) and self.augmentation.replace > 0
        for pack in (part.pack for part in self.parts):
            if pack.side < self.size:
                raise PackError(
                    f"{pack.origin}: its images are {pack.side}×{pack.side}, too small for {self.size}×{self.size}; "
                    f"pack them again with size={self.size}"
                )
            if replaces and not pack.has_foregrounds:
                raise PackError(
                    f"{pack.origin}: holds no foregrounds, which the replacement of backgrounds needs; pack it again"
                )

    @property
    def epoch_images(self) -> int:
        """Images per epoch."""
        return sum(part.draws for part in self.parts)

    @property
    def epoch_steps(self) -> int:
        """Batches per epoch, rounded up; the last one may hold images of the next epoch."""
        return -(-self.epoch_images // self.batch_size)

    def drawn(self, step: int) -> list[tuple[int, int]]:
        """Return which images batch `step` holds: N pairs of a part's number and an index into its pack."""
        first = step * self.batch_size
        return [self._drawn(number) for number in range(first, first + self.batch_size)]

    def batch(self, step: int) -> Batch:
        """Prepare one batch.

        Args:
            step: its number, from 0.

        Returns:
            The images, float32 [N, S, S, 3] in [0, 1] or uint8, RGB, and the mattes, float32 [N, S, S, 1] in [0, 1].

        Raises:
            SampleError: an image could not be prepared.
        """
        shape = (self.batch_size, self.size, self.size)
        images, mattes = np.empty((*shape, 3), self.dtype), np.empty((*shape, 1), np.float32)
        scale = np.float32(1 / 255)
        for index, (part, number) in enumerate(self.drawn(step)):
            image, matte = self._image(step, index, self.parts[part].pack, number)
            if self.dtype == "uint8":
                images[index] = image
            else:
                np.multiply(image, scale, out=images[index])
            np.multiply(matte, scale, out=mattes[index, ..., 0])
        return images, mattes

    def stream(self, first: int = 0, last: int | None = None, *, ahead: int | None = None) -> Generator[Batch]:
        """Yield the batches `first`, `first` + 1, … `last` - 1, prepared ahead in threads.

        Keras accepts the generator: `model.fit(batches.stream(done), steps_per_epoch=batches.epoch_steps, epochs=…,
        shuffle=False)`. (A `keras.utils.PyDataset` is unsuitable: it reads ahead across the ends of epochs.)

        Call it within `mmnet.training.process.one_opencv_thread()`: OpenCV's own threads slow these threads down.
        Closing the generator, or leaving it to the garbage collector, ends the threads.

        Args:
            first: number of the first batch, 0 in a new run.
            last: number after that of the last batch; None: the generator does not end.
            ahead: how many batches may be ready in advance; None: one more than there are workers.

        Raises:
            SampleError: an image of the batch that is due could not be prepared.
        """
        workers = self.workers or os.cpu_count() or 1
        ahead = workers + 1 if ahead is None else max(1, ahead)
        pending: deque[Future[Batch]] = deque()
        with ThreadPoolExecutor(workers, thread_name_prefix="mmnet-data") as pool:
            try:
                step = first
                while pending or last is None or step < last:
                    while len(pending) < ahead and (last is None or step < last):
                        pending.append(pool.submit(self.batch, step))
                        step += 1
                    yield pending.popleft().result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _drawn(self, number: int) -> tuple[int, int]:
        epoch, place = divmod(number, self.epoch_images)
        place = int(_permutation(self.epoch_images, self.seed, _EPOCH, epoch)[place])
        for index, part in enumerate(self.parts):
            if place < part.draws:
                rounds, place = divmod(epoch * part.draws + place, len(part.indices))
                order = _permutation(len(part.indices), self.seed, _ORDER, index, rounds)
                return index, int(part.indices[order[place]])
            place -= part.draws
        raise AssertionError(number)

    def _image(self, step: int, index: int, pack: Pack, image: int) -> tuple[U8Array, U8Array]:
        try:
            return self._prepare(pack.sample(image), np.random.default_rng([_IMAGE, self.seed, step, index]))
        except Exception as error:
            raise SampleError(
                f"{pack.origin}: {pack.names[image]}: could not be prepared (batch {step}, image {index}): {error}"
            ) from error

    def _prepare(self, sample: Sample, random: np.random.Generator) -> tuple[U8Array, U8Array]:
        if self.augmentation is None:
            return resize(sample.photo, self.size), resize(sample.matte, self.size)
        if self.augmentation == "published":
            return published(sample, self.size, random)
        return augment(sample, self.size, random, self.augmentation, self.backgrounds)


@functools.lru_cache(maxsize=64)
def _permutation(count: int, *seed: int) -> NDArray[np.int64]:
    order = np.random.default_rng(seed).permutation(count)
    order.flags.writeable = False
    return order
