"""The rule of preprocessing.md, section 7, as slow programs."""

from __future__ import annotations

from functools import reduce
from itertools import combinations
from random import Random

from mmnet.arrays import U8Array
from mmnet.runtime import Rectangle


def people(alpha: U8Array) -> list[list[tuple[int, int]]]:
    """The 4-connected components of alpha >= 128, as lists of (row, column)."""
    size = len(alpha)
    left = {(y, x) for y in range(size) for x in range(size) if alpha[y][x] >= 128}
    components = []
    while left:
        component, front = [], [left.pop()]
        while front:
            y, x = front.pop()
            component.append((y, x))
            for beside in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if beside in left:
                    left.remove(beside)
                    front.append(beside)
        components.append(component)
    return components


def kept(alpha: U8Array) -> list[list[tuple[int, int]]]:
    """The components that are people; none: nobody."""
    size, components = len(alpha), people(alpha)
    largest = max(map(len, components), default=0)
    if largest == 0 or largest < size * size // 1024:
        return []
    return [component for component in components if len(component) * 8 >= largest]


def extent(pixels: list[tuple[int, int]]) -> tuple[int, int, int, int]:
    """The rows y0 … y1 − 1 and columns x0 … x1 − 1 that pixels cover, as (y0, y1, x0, x1)."""
    rows, columns = [y for y, _ in pixels], [x for _, x in pixels]
    return min(rows), max(rows) + 1, min(columns), max(columns) + 1


def covered(alpha: U8Array) -> tuple[int, int, int, int] | None:
    """The extent of all people; None: nobody."""
    pixels = [pixel for component in kept(alpha) for pixel in component]
    return extent(pixels) if pixels else None


def widened(
    people: tuple[int, int, int, int], size: int, height: int, width: int, seen: Rectangle, part: int = 10
) -> Rectangle:
    """The crop around people in an image of `height` × `width`, whose rectangle `seen` has the alpha."""
    y0, y1, x0, x1 = people
    top, bottom = seen.top + y0 * seen.height // size, seen.top + (y1 * seen.height + size - 1) // size
    left, right = seen.left + x0 * seen.width // size, seen.left + (x1 * seen.width + size - 1) // size
    margin = max(bottom - top, right - left) // part
    top, bottom, left, right = top - margin, bottom + margin, left - margin, right + margin
    h, w = bottom - top, right - left
    if h > 2 * w:
        left, right = left - (h - 2 * w + 3) // 4, right + (h - 2 * w + 3) // 4
    if w > 2 * h:
        top, bottom = top - (w - 2 * h + 3) // 4, bottom + (w - 2 * h + 3) // 4
    top, bottom, left, right = max(0, top), min(height, bottom), max(0, left), min(width, right)
    return Rectangle(top, left, bottom - top, right - left)


def joint(one: Rectangle, other: Rectangle) -> Rectangle:
    """The smallest rectangle that holds both."""
    top, left = min(one.top, other.top), min(one.left, other.left)
    bottom = max(one.top + one.height, other.top + other.height)
    right = max(one.left + one.width, other.left + other.width)
    return Rectangle(top, left, bottom - top, right - left)


def overlap(one: Rectangle, other: Rectangle) -> bool:
    """Whether two rectangles share a pixel."""
    rows = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    columns = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    return rows > 0 and columns > 0


def apart(rectangles: list[Rectangle], random: Random) -> list[Rectangle]:
    """The rectangles after any two that overlap were replaced by their joint one, in a random order."""
    while pairs := [(one, other) for one, other in combinations(rectangles, 2) if overlap(one, other)]:
        one, other = random.choice(pairs)
        rectangles = [*(rectangle for rectangle in rectangles if rectangle not in (one, other)), joint(one, other)]
    return sorted(set(rectangles), key=lambda rectangle: (rectangle.top, rectangle.left))


def crops(alpha: U8Array, height: int, width: int) -> list[Rectangle]:
    """The crops of a photo of `height` × `width` with this alpha; none: no second pass."""
    whole = Rectangle(0, 0, height, width)
    wide = [widened(extent(component), len(alpha), height, width, whole) for component in kept(alpha)]
    found = apart(wide, Random(len(wide)))
    if len(found) > 4:
        found = [reduce(joint, found)]
    return [] if 5 * sum(crop.height * crop.width for crop in found) >= 4 * height * width else found


def crop(alpha: U8Array, height: int, width: int, seen: Rectangle | None = None) -> Rectangle | None:
    """The one crop of an image of `height` × `width`, whose rectangle `seen` has this alpha; None: no second pass."""
    people = covered(alpha)
    if people is None:
        return None
    found = widened(people, len(alpha), height, width, seen or Rectangle(0, 0, height, width))
    return None if found.height * found.width * 5 >= height * width * 4 else found
