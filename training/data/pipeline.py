"""The input pipeline: batch number → images and mattes, the same at every call.

Nothing here has state: what batch 1000 holds follows from the seed and the number 1000 alone. A run that was
interrupted goes on with exactly the data that it would have seen.
"""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.training.augment import Augmentation, Sample, augment, published, resize
from mmnet.training.data.layouts import (
    DataError,
    Pair,
    find_backgrounds,
    find_source,
    is_validation,
    parse_weighted,
    split,
)
from mmnet.training.data.packs import Pack, PackError, Progress, build_pack, load_backgrounds, load_pack, side_for

Batch = tuple[AnyArray, F32Array]
Recipe = Augmentation | Literal["published"] | None

# First words of the seeds, so that no two uses of chance share one.
_ORDER, _EPOCH, _IMAGE = 1, 2, 3


class SampleError(DataError):
    """An image could not be prepared; the message names it."""


@dataclass(frozen=True)
class Part:
    """Some images of a pack, drawn `weight` times as often as those of a part of weight 1."""

    pack: Pack
    indices: NDArray[np.int64]
    weight: float = 1.0

    @classmethod
    def whole(cls, pack: Pack, weight: float = 1.0) -> Part:
        """All images of a pack."""
        return cls(pack, np.arange(len(pack)), weight)

    @property
    def draws(self) -> int:
        """How many of its images an epoch holds."""
        return max(1, round(self.weight * len(self.indices)))


@dataclass(frozen=True)
class Batches:
    """An endless, indexable sequence of batches.

    In an epoch every image of weight 1 comes once, one of weight 2.5 two or three times, in an order that is new
    each epoch. Images of a part come without replacement: none a second time before all of them came once, across
    epochs too.

    Attributes:
        parts: at least one, each with at least one image.
        batch_size: N.
        size: S, side of the images in pixels.
        seed: another seed, another sequence.
        recipe: the table to augment with, "published" for the paper's, None to only resize.
        backgrounds: uint8 [M, Q, Q, 3], to lay behind people.
        workers: threads that `stream` prepares batches with; None: one a core.
        dtype: of the images: "float32" in [0, 1], or "uint8".

    Raises:
        DataError: there are no images.
        PackError: the recipe replaces backgrounds, and a pack has no foregrounds, or is smaller than S.
    """

    parts: Sequence[Part]
    batch_size: int
    size: int
    seed: int = 0
    recipe: Recipe = None
    backgrounds: Sequence[U8Array] | U8Array = ()
    workers: int | None = None
    dtype: Literal["float32", "uint8"] = "float32"

    def __post_init__(self) -> None:
        if not self.parts or not all(len(part.indices) for part in self.parts):
            raise DataError("there are no images to train on")
        if self.batch_size < 1:
            raise DataError(f"a batch of {self.batch_size} images is too small; take at least 1")
        replaces = isinstance(self.recipe, Augmentation) and self.recipe.replace > 0
        for pack in (part.pack for part in self.parts):
            if pack.side < self.size:
                raise PackError(
                    f"{pack.origin}: its images are {pack.side}×{pack.side}, too small for {self.size}×{self.size}; "
                    f"pack them again with --size {self.size}"
                )
            if replaces and not pack.has_foregrounds:
                raise PackError(
                    f"{pack.origin}: has no foreground colours, which replacing backgrounds needs; pack it again"
                )

    @property
    def epoch_images(self) -> int:
        """Images an epoch."""
        return sum(part.draws for part in self.parts)

    @property
    def epoch_steps(self) -> int:
        """Batches an epoch, rounded up; the last one may hold images of the next epoch."""
        return -(-self.epoch_images // self.batch_size)

    def drawn(self, step: int) -> list[tuple[int, int]]:
        """What batch `step` holds: N pairs of a part's number and an index into its pack."""
        first = step * self.batch_size
        return [self._drawn(number) for number in range(first, first + self.batch_size)]

    def batch(self, step: int) -> Batch:
        """Batch number `step`, from 0.

        Returns:
            images, float32 [N, S, S, 3] in [0, 1] or uint8, RGB; mattes, float32 [N, S, S, 1] in [0, 1].

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
        """Batches `first`, `first` + 1, … up to but without `last`, prepared ahead in threads.

        Keras takes it as it is: `model.fit(batches.stream(done), steps_per_epoch=batches.epoch_steps, epochs=…,
        shuffle=False)`. (A `keras.utils.PyDataset` would not do: its reading ahead crosses the ends of epochs.)

        OpenCV's own threads are turned off in this process: they would only get in the way of these. Closing the
        iterator, or leaving it to the garbage collector, ends the threads.

        Args:
            first: where to begin, 0 in a new run.
            last: where to end; None: never.
            ahead: how many batches may lie ready; None: one more than there are workers.

        Raises:
            SampleError: as `batch`, when the batch's turn has come.
        """
        workers = self.workers or os.cpu_count() or 1
        ahead = workers + 1 if ahead is None else max(1, ahead)
        cv2.setNumThreads(1)
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
        if self.recipe is None:
            return resize(sample.photo, self.size), resize(sample.matte, self.size)
        if self.recipe == "published":
            return published(sample, self.size, random)
        return augment(sample, self.size, random, self.recipe, self.backgrounds)


@functools.lru_cache(maxsize=64)
def _permutation(count: int, *seed: int) -> NDArray[np.int64]:
    order = np.random.default_rng(seed).permutation(count)
    order.flags.writeable = False
    return order


@dataclass(frozen=True)
class DataSet:
    """What `--data` names, read and divided.

    Attributes:
        training: a part for every root.
        validation: S×S, in order, stretched as the runtime does; None where the fraction is 0.
        backgrounds: uint8 [M, Q, Q, 3].
    """

    training: tuple[Part, ...]
    validation: Pack | None
    backgrounds: U8Array


def load_data(
    arguments: Sequence[str],
    size: int,
    *,
    recipe: Recipe,
    validation: float = 0.05,
    backgrounds: Path | None = None,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> DataSet:
    """Read every DIR, DIR=WEIGHT or FILE.npz into memory, or map it.

    Args:
        arguments: data set folders (see `mmnet.training.data.layouts`) or pack files, at least one.
        size: S, what the network takes.
        recipe: as for `Batches`; decides what has to be read.
        validation: fraction of all names that validate; see `is_validation`.
        backgrounds: folder of photos without people.
        workers: threads; None: one a core.
        progress: called with the images done and their total, anew for every folder.

    Raises:
        LayoutError, PackError, PhotoError, PairError: the data cannot be used.
        DataError: no image is left to train on, or to validate with.
    """
    foregrounds = isinstance(recipe, Augmentation)
    side = side_for(size) if foregrounds else size
    training: list[Part] = []
    held: list[Pack] = []
    for path, weight in map(parse_weighted, arguments):
        if path.suffix == ".npz":
            pack = load_pack(path)
            validates = np.array([is_validation(pack.stem(index), validation) for index in range(len(pack))])
            if not validates.all():
                training.append(Part(pack, np.flatnonzero(~validates), weight))
            if validates.any():
                held.append(_resized(pack, np.flatnonzero(validates), size))
            continue
        source = find_source(path, weight)
        train, validate = split(source.pairs, validation)

        def read(pairs: Sequence[Pair], pixels: int, colours: bool, root: Path = path) -> Pack:
            return build_pack(pairs, pixels, root=root, foregrounds=colours, workers=workers, progress=progress)

        if train:
            training.append(Part.whole(read(train, side, foregrounds), weight))
        if validate:
            held.append(read(validate, size, False))
    if not training:
        raise DataError(f"{', '.join(arguments)}: no image is left to train on; validate with fewer")
    if validation > 0 and not held:
        raise DataError(
            f"{', '.join(arguments)}: no image validates with a fraction of {validation:g}; take a larger one"
        )
    return DataSet(
        tuple(training),
        _joined(held) if held else None,
        np.empty((0, side, side, 3), np.uint8)
        if backgrounds is None or not foregrounds
        else load_backgrounds(find_backgrounds(backgrounds), side, workers=workers, progress=progress),
    )


def _resized(pack: Pack, indices: NDArray[np.int64], size: int) -> Pack:
    if pack.side < size:
        raise PackError(
            f"{pack.origin}: its images are {pack.side}×{pack.side}, too small for {size}×{size}; "
            f"pack them again with --size {size}"
        )
    records = np.empty((len(indices), 4 * size**2), np.uint8)
    for row, index in zip(records, indices, strict=True):
        sample = pack.sample(int(index))
        row[:] = np.concatenate([resize(sample.photo, size).ravel(), resize(sample.matte, size).ravel()])
    names = tuple(pack.names[index] for index in indices)
    return Pack(pack.origin, names, size, records, pack.aspects[indices], pack.cutouts[indices])


def _joined(packs: Sequence[Pack]) -> Pack:
    return Pack(
        ", ".join(pack.origin for pack in packs),
        tuple(name for pack in packs for name in pack.names),
        packs[0].side,
        np.concatenate([pack.records for pack in packs]),
        np.concatenate([pack.aspects for pack in packs]),
        np.concatenate([pack.cutouts for pack in packs]),
    )
