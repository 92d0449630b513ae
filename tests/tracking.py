"""The crop of preprocessing.md, section 8, as a slow program."""

from __future__ import annotations

from collections.abc import Callable

import framing

from mmnet.arrays import U8Array
from mmnet.runtime import Rectangle


def follow(
    sizes: list[tuple[int, int]], compute: Callable[[int, Rectangle], U8Array]
) -> list[tuple[list[Rectangle], bool]]:
    """Return, for each frame, the rectangles that the network sees, and whether the crop jumped."""
    seen: list[tuple[list[Rectangle], bool]] = []
    size: tuple[int, int] | None = None
    crop = goal = Rectangle(0, 0, 1, 1)  # replaced by the first frame, which is new
    lost, since = True, 0
    for index, (height, width) in enumerate(sizes):
        whole = Rectangle(0, 0, height, width)
        new = size != (height, width)
        size = height, width
        passes, jumped = [], False
        if new or lost or crop == whole or since >= 30:
            since = 0
            passes.append(whole)
            alpha = compute(index, whole)
            goal = framing.crop(alpha, height, width) or whole
            if new:
                crop = goal
            elif near(crop, goal):
                crop = moved(crop, goal)
            else:
                crop, jumped = goal, True
            if crop != whole:
                passes.append(crop)
                alpha = compute(index, crop)
        else:
            crop = moved(crop, goal)
            passes.append(crop)
            alpha = compute(index, crop)
        since += 1
        covered = framing.covered(alpha)
        if covered is None:
            lost = True
        else:
            goal = framing.widened(covered, len(alpha), height, width, crop, 5)
            y0, y1, x0, x1 = covered
            further = max(goal.height, goal.width) // 8
            top, bottom, left, right = goal.top, goal.top + goal.height, goal.left, goal.left + goal.width
            border = False
            if y0 == 0 and crop.top > 0:
                top, border = max(0, top - further), True
            if x0 == 0 and crop.left > 0:
                left, border = max(0, left - further), True
            if y1 == len(alpha) and crop.top + crop.height < height:
                bottom, border = min(height, bottom + further), True
            if x1 == len(alpha) and crop.left + crop.width < width:
                right, border = min(width, right + further), True
            goal = Rectangle(top, left, bottom - top, right - left)
            if goal.height * goal.width * 5 >= height * width * 4:
                goal = whole
            lost = since > 8 and (border or not near(crop, goal))
        seen.append((passes, jumped))
    return seen


def near(crop: Rectangle, goal: Rectangle) -> bool:
    """Whether two rectangles share at least a third of what they cover together."""
    rows = range(max(crop.top, goal.top), min(crop.top + crop.height, goal.top + goal.height))
    columns = range(max(crop.left, goal.left), min(crop.left + crop.width, goal.left + goal.width))
    both = len(rows) * len(columns)
    return 3 * both >= crop.height * crop.width + goal.height * goal.width - both


def moved(crop: Rectangle, goal: Rectangle) -> Rectangle:
    """The crop after one frame on its way to the goal."""
    out, inside = max(goal.height, goal.width) // 32, max(goal.height, goal.width) // 8

    def side(now: int, then: int, outwards: int) -> int:
        """`outwards` is 1 where larger numbers are outside, −1 where smaller ones are."""
        away = (then - now) * outwards
        if away > out:
            return now + outwards * (away - out)
        if away < -inside:
            return now - outwards * ((-away - inside + 7) // 8)
        return now

    top, left = side(crop.top, goal.top, -1), side(crop.left, goal.left, -1)
    bottom = side(crop.top + crop.height, goal.top + goal.height, 1)
    right = side(crop.left + crop.width, goal.left + goal.width, 1)
    return Rectangle(top, left, bottom - top, right - left)
