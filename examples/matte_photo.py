"""Cut the person out of a photo, and composite them over another background.

    python examples/matte_photo.py photo.jpg results/

It writes three files: the alpha matte, the cut-out and the person over green. It needs only `pip install .`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

import mmnet


def main() -> None:
    """Matte one photo in three ways."""
    parser = argparse.ArgumentParser(description="Matte a photo.")
    parser.add_argument("photo", type=Path)
    parser.add_argument("folder", type=Path, help="where the results are written")
    parser.add_argument("--profile", choices=("fine", "fast"), default="fine")
    arguments = parser.parse_args()

    photo = mmnet.read_photo(arguments.photo)  # uint8 [H, W, 3], RGB, upright
    with mmnet.PortraitMatter(profile=arguments.profile) as matter:
        alpha = matter(photo)  # float32 [H, W] in 0-1
        cutout = matter.cutout(photo)  # uint8 [H, W, 4], RGBA
        green = matter.composite(photo, (0, 255, 0))  # uint8 [H, W, 3]

    arguments.folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(arguments.folder / "alpha.png"), np.rint(alpha * 255).astype(np.uint8))
    cv2.imwrite(str(arguments.folder / "cutout.png"), cv2.cvtColor(cutout, cv2.COLOR_RGBA2BGRA))
    cv2.imwrite(str(arguments.folder / "green.png"), cv2.cvtColor(green, cv2.COLOR_RGB2BGR))
    print(f"{alpha.mean():.0%} of the photo is foreground; results in {arguments.folder}")


if __name__ == "__main__":
    main()
