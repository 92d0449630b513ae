"""Make a data set whose mattes are the median of several networks, to measure on photos whose labels are not exact.

    python tools/datasets/median_mattes.py IMAGES OUT SOURCE SOURCE SOURCE...
    python tools/datasets/median_mattes.py DATA/portraits/test/image MIX/portraits-test-median \\
        selfie_segmentation.tflite 887000-int8.tflite mattes-of-another-network/

A SOURCE is a model (.tflite of ours, or MediaPipe's selfie segmenter) or a folder of mattes NAME.png that another
network computed. OUT gets image/, which links to the images, and mask/. A matte is the pixel-wise median of the
sources, at the size of its image. Where one network errs, the two others decide; so the median is nearer to the truth
than its sources as long as their errors differ. A model is measured fairly on it only if it is not one of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
from rich.console import Console

from mmnet.arrays import F32Array, U8Array
from mmnet.cli.progress import progress_bar
from mmnet.errors import MMNetError
from mmnet.evaluation.framing import FramedPhoto
from mmnet.evaluation.models import open_file
from mmnet.evaluation.resize import choose_resize
from mmnet.runtime.imaging.fit import Fit
from mmnet.runtime.imaging.mattes import read_matte
from mmnet.runtime.imaging.photos import list_photos, read_photo
from mmnet.runtime.imaging.writing import write_image

AlphaOf = Callable[[Path, U8Array], F32Array]  # (file, image) -> alpha of the image's size in 0-1


class MedianError(MMNetError):
    """The sources give no median."""


def open_source(path: Path, stack: ExitStack) -> AlphaOf:
    """Return the function that gives a source's alpha of an image; what it opens is closed with the stack."""
    if path.is_dir():

        def stored(file: Path, image: U8Array) -> F32Array:
            matte = read_matte(path / f"{file.stem}.png")
            if matte.shape != image.shape[:2]:
                raise MedianError(f"{path / file.stem}.png: is {matte.shape}, its image {image.shape[:2]}")
            return np.asarray(matte, np.float32) / np.float32(255)

        return stored
    model, resize = stack.enter_context(closing(open_file(path).load())), choose_resize("runtime")

    def computed(file: Path, image: U8Array) -> F32Array:
        placed = FramedPhoto(image, resize).alpha(model, Fit.STRETCH)
        return placed.at_photo(resize, *image.shape[:2])

    return computed


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the data set that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path, metavar="IMAGES", help="folder of photos")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to make")
    parser.add_argument("sources", type=Path, nargs="+", metavar="SOURCE", help="models, or folders of mattes")
    options = parser.parse_args(arguments)
    if len(options.sources) < 3:
        parser.error("a median needs at least three sources")
    if options.out.exists():
        parser.error(f"{options.out} exists already; name a new folder")
    with ExitStack() as stack:
        sources = [open_source(path, stack) for path in options.sources]
        photos = list_photos(options.images)
        for part in ("image", "mask"):
            (options.out / part).mkdir(parents=True)
        progress = stack.enter_context(progress_bar(Console(stderr=True)))
        for file in progress.track(photos, description="computing"):
            image = read_photo(file)
            median = np.median([source(file, image) for source in sources], axis=0)
            write_image(options.out / "mask" / f"{file.stem}.png", np.rint(median * 255).astype(np.uint8))
            (options.out / "image" / file.name).symlink_to(file.resolve())
    print(f"{options.out}: {len(photos)} images")


if __name__ == "__main__":
    try:
        main()
    except MMNetError as error:
        raise SystemExit(f"error: {error}") from None
