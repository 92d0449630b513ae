"""The rule of preprocessing.md, section 7, as slow programs."""

from __future__ import annotations

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


def covered(alpha: U8Array) -> tuple[int, int, int, int] | None:
    """The rows y0 … y1 − 1 and columns x0 … x1 − 1 that people cover, as (y0, y1, x0, x1); None: nobody."""
    size, components = len(alpha), people(alpha)
    largest = max(map(len, components), default=0)
    if largest == 0 or largest < size * size // 1024:
        return None
    kept = [pixel for component in components if len(component) * 8 >= largest for pixel in component]
    rows, columns = [y for y, _ in kept], [x for _, x in kept]
    return min(rows), max(rows) + 1, min(columns), max(columns) + 1


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


def crop(alpha: U8Array, height: int, width: int, seen: Rectangle | None = None) -> Rectangle | None:
    """The crop of an image of `height` × `width`, whose rectangle `seen` has this alpha; None: no second pass."""
    people = covered(alpha)
    if people is None:
        return None
    found = widened(people, len(alpha), height, width, seen or Rectangle(0, 0, height, width))
    return None if found.height * found.width * 5 >= height * width * 4 else found
