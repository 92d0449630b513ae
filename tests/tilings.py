"""Other tile sizes than usual, on other numbers of OpenCV's threads."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import pytest


def other_tilings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Change the tiles and the threads for each turn of the loop over this; results must stay the same."""
    before = cv2.getNumThreads()
    try:
        for height, width, gap, threads in ((16, 16, 0, 1), (16, 32, 3, 3), (32, 64, 5, 2), (2048, 2048, 1, 1)):
            for module in ("tiles", "reference", "alpha", "compiled"):
                monkeypatch.setattr(f"mmnet.runtime.fullres.{module}.TILE_HEIGHT", height)
                monkeypatch.setattr(f"mmnet.runtime.fullres.{module}.TILE_WIDTH", width)
            monkeypatch.setattr("mmnet.runtime.fullres.tiles._GAP", gap)
            cv2.setNumThreads(threads)
            yield
    finally:
        cv2.setNumThreads(before)
