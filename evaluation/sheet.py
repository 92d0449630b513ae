"""Photos, their mattes, and their composites on green, side by side in one image.

`python -m mmnet.evaluation.sheet OUT.jpg PHOTO… [--model FILE.tflite]`
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import U8Array
from mmnet.files import atomic_file
from mmnet.runtime import PortraitMatter, read_photo
from mmnet.runtime.fullres.alpha import to_alpha_bytes
from mmnet.runtime.fullres.compositing import composite

_SIDE = 240
_GREEN = (0, 177, 64)


def matting_sheet(photos: Sequence[U8Array], matter: PortraitMatter, side: int = _SIDE) -> U8Array:
    """Draw one row per photo: the photo, its alpha matte, and photo · α + green · (1 − α).

    Args:
        photos: uint8 [H, W, 3], RGB, of any sizes; at least one.
        matter: computes the mattes.
        side: the side of a cell in pixels; photos are scaled to fit and padded with white.

    Returns:
        uint8 [rows · side, 3 · side, 3], RGB.
    """
    rows = []
    for photo in photos:
        alpha = matter(photo)
        matte = np.repeat(to_alpha_bytes(alpha)[..., None], 3, axis=-1)
        green = composite(photo, alpha, _GREEN)
        rows.append(np.concatenate([_cell(image, side) for image in (photo, matte, green)], axis=1))
    return np.concatenate(rows)


def _cell(image: U8Array, side: int) -> U8Array:
    height, width = image.shape[:2]
    scale = (side - 4) / max(height, width)
    small = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    cell = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
    cell[top : top + small.shape[0], left : left + small.shape[1]] = small
    return cell


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the module as a script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--model", type=Path, help="a .tflite (the one that ships)")
    options = parser.parse_args(arguments)
    with PortraitMatter(options.model) as matter:
        sheet = matting_sheet([read_photo(path) for path in options.photos], matter)
    with atomic_file(options.output) as temporary:
        cv2.imwrite(str(temporary), sheet[..., ::-1])


if __name__ == "__main__":
    main()
