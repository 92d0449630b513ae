"""Fixtures of the tests of training."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmnet.export.verify import probe_images


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Twelve drawn portraits with their mattes, and two backgrounds."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("portraits/image", "portraits/mask", "scenes"):
        (folder / name).mkdir(parents=True)
    rows, columns = np.mgrid[0:64, 0:64] / 64
    matte = ((rows - 0.4) ** 2 + (columns - 0.5) ** 2 < 0.04) | ((rows - 1.1) ** 2 / 2 + (columns - 0.5) ** 2 < 0.15)
    for index, image in enumerate(probe_images(64, 12)):
        assert cv2.imwrite(str(folder / f"portraits/image/{index}.png"), image)
        assert cv2.imwrite(str(folder / f"portraits/mask/{index}.png"), matte.astype(np.uint8) * 255)
    for index in range(2):
        assert cv2.imwrite(str(folder / f"scenes/{index}.png"), probe_images(64)[index, :20])
    return folder
