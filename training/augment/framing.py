"""Views of the strong augmentation that frame people as the second pass of the runtime does: a box with a margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mmnet.training.augment.sample import Sample
from mmnet.training.augment.table import Draw
from mmnet.training.augment.view import View, cut_edges, place_frame

# The runtime's margin is a tenth of the longer side of the people's box, and no crop is longer than two to one.
_MARGIN, _MARGIN_DEVIATION = 0.1, 0.05
_LONGEST = 2.0
_STRETCH = 0.2  # largest logarithm of the factor by which the width varies
_CUT, _CUT_HEIGHT = 0.5, (0.3, 0.95)  # how often, and where, the frame's lower edge cuts a person
_SMALLEST = 0.12  # fraction of a photo: a smaller box has too few pixels
_VISIBLE, _CERTAIN = 8, 127  # alphas above them belong to a cut-out, and to the people of a photo
_CUT_OFF = 100  # mean alpha along the lower edge of a cut-out, above which the edge cuts the person


@dataclass
class _Box:
    """A box in heights of the photo, from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


def frame_people(sample: Sample, draw: Draw, replaced: bool) -> View | None:
    """Draw a frame around the people, with a margin on every side that no edge of the photo cuts.

    Half of the people whose background is replaced are cut by the frame's lower edge. Where the photo keeps its own
    background, the frame lies inside of it.

    Args:
        sample: the image.
        draw: the source of the random values.
        replaced: whether the background is replaced.

    Returns:
        The frame; None if there are no people, or if they are too small in the photo.
    """
    matte, wide, side = sample.matte, sample.aspect, len(sample.matte)
    rows = np.flatnonzero(matte.max(axis=1) > (_VISIBLE if sample.is_cutout else _CERTAIN))
    if not len(rows):
        return None
    held = _held_edges(sample, replaced)
    upper, lower = int(rows[0]), int(rows[-1]) + 1
    cut = replaced and draw.random.random() < _CUT
    if cut:
        lower = upper + max(8, round((lower - upper) * draw.random.uniform(*_CUT_HEIGHT)))
    columns = np.flatnonzero(matte[upper:lower].max(axis=0) > _VISIBLE)
    box = _Box(columns[0] / side * wide, upper / side, (columns[-1] + 1) / side * wide, lower / side)
    if not sample.is_cutout and box.height * box.width < _SMALLEST * wide:
        return None
    _widen(box, draw, cut)
    left, top, right, bottom = held
    box = _Box(
        max(box.left, 0.0) if left else box.left,
        max(box.top, 0.0) if top else box.top,
        min(box.right, wide) if right else box.right,
        min(box.bottom, 1.0) if bottom else box.bottom,
    )
    x, y = (box.left + box.right) / 2 - wide / 2, (box.top + box.bottom) / 2 - 0.5
    return place_frame(draw, wide, (x, y), (box.width, box.height), held)


def _held_edges(sample: Sample, replaced: bool) -> tuple[bool, bool, bool, bool]:
    """Return beyond which edges of the photo the frame must not reach: left, top, right, bottom."""
    if not replaced:
        return True, True, True, True
    if not sample.is_cutout:
        return cut_edges(sample.matte)
    # A cut-out is often cropped to its person, whom its edges then touch without cutting.
    columns = np.flatnonzero(sample.matte.max(axis=0) > _VISIBLE)
    return False, False, False, float(sample.matte[-1, columns[0] : columns[-1] + 1].mean()) > _CUT_OFF


def _widen(box: _Box, draw: Draw, cut: bool) -> None:
    """Add the margins, stretch the box, and limit its proportions; `cut` keeps the lower edge."""
    longer = max(box.height, box.width)
    margins = [longer * max(0.0, draw.random.normal(_MARGIN, _MARGIN_DEVIATION)) for _ in range(4)]
    box.top, box.left, box.right = box.top - margins[0], box.left - margins[1], box.right + margins[2]
    box.bottom += 0.0 if cut else margins[3]
    more = (math.exp(draw.random.uniform(-_STRETCH, _STRETCH)) - 1) * box.width / 2
    box.left, box.right = box.left - more, box.right + more
    height, width = box.height, box.width
    if height > _LONGEST * width:
        more = (height - _LONGEST * width) / 4
        box.left, box.right = box.left - more, box.right + more
    if width > _LONGEST * height:
        more = (width - _LONGEST * height) / 4
        box.top, box.bottom = box.top - more, box.bottom + (0.0 if cut else more)
