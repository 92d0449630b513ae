"""Collect the training images on which one network is worse than another, as a data set to draw more often.

    python tools/datasets/hard_images.py MINE.tflite OTHER.tflite DATA... OUT
    python tools/datasets/hard_images.py mine.tflite selfie_segmentation.tflite mix/portraits mix/fashion mix/hard

MINE.tflite   the network to train on
OTHER.tflite  another network, for example MediaPipe's selfie_segmentation.tflite
DATA...       training sets with image/ and mask/
OUT           a new or empty folder; it gets image/ and mask/ with links to the chosen images

An image is chosen if the first network's mean absolute difference from the label exceeds the second network's by more
than --margin. Where both are far from the label, the label itself may be wrong, so such images are not chosen.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from folders import require_empty
from rich.console import Console

from mmnet.cli.progress import progress_bar
from mmnet.errors import MMNetError
from mmnet.evaluation.datasets.pairs import Pair, load_pairs
from mmnet.evaluation.models import LoadedModel, open_file
from mmnet.runtime.imaging.preprocess import to_model_input
from mmnet.runtime.imaging.resampling import resample


def difference(model: LoadedModel, pair: Pair) -> float:
    """Return the mean absolute difference of a model's alpha and the label, both at the model's size, in 0-1."""
    image, matte = pair.read()
    alpha = model.run_float(to_model_input(image, model.size))
    label = resample(matte, model.size, model.size) / np.float32(255)
    return float(np.abs(alpha - label).mean())


def link(pair: Pair, name: str, out: Path) -> None:
    """Link an image and its matte under the name of their set and their own."""
    for part, path in (("image", pair.image), ("mask", pair.mask)):
        target = Path(path).resolve()
        (out / part / f"{name}-{pair.name}{target.suffix}").symlink_to(target)


def main(arguments: Sequence[str] | None = None) -> None:
    """Collect the images with the options of the command line, and print how many there are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mine", type=Path, metavar="MINE.tflite")
    parser.add_argument("other", type=Path, metavar="OTHER.tflite")
    parser.add_argument("data", type=Path, nargs="+", metavar="DATA", help="training sets")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to fill: new or empty")
    parser.add_argument("--margin", type=float, default=0.01, metavar="M", help="difference of the two (0.01)")
    options = parser.parse_args(arguments)
    require_empty(options.out)
    sets = [(folder.name, load_pairs(folder)) for folder in options.data]
    for part in ("image", "mask"):
        (options.out / part).mkdir(parents=True, exist_ok=True)
    with (
        closing(open_file(options.mine).load()) as mine,
        closing(open_file(options.other).load()) as other,
        progress_bar(Console(stderr=True)) as progress,
    ):
        for name, pairs in sets:
            chosen = 0
            for pair in progress.track(pairs, description=name):
                if difference(mine, pair) > difference(other, pair) + options.margin:
                    link(pair, name, options.out)
                    chosen += 1
            print(f"{name:20} {chosen} of {len(pairs)}")


if __name__ == "__main__":
    try:
        main()
    except MMNetError as error:
        raise SystemExit(f"error: {error}") from None
