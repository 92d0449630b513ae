"""Accuracy against latency as an SVG, like the MMNet paper's first figure.

Each model is a circle whose area grows with its number of parameters. The horizontal axis is the latency, the vertical
axis the error, so that the best models are at the lower left. Bars show the interval of the mean error and, where it is
known, the 25th to 75th percentile of the latency. A dashed line joins the models that no other beats in both. Each set
of images has a panel of its own; the panels lie below each other and share the axis of the latency.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from mmnet.benchmark.joined import Point, front
from mmnet.svg import text_lines
from mmnet.text import printable

WIDTH, HEIGHT = 760, 520  # pixels; the height is that of a figure of one panel
_MORE_HEIGHT = 380  # pixels, for each further panel
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 24, 20, 64  # margins in pixels; above the figure, one line per machine
_PANEL_GAP = 52  # pixels between two panels, for the marks of one and the title of the next
_LINE_PIXELS, _KEY = 15, 16  # the height of a line, and the space for a machine's circle before its name
_FONT_PIXELS, _CHARACTER_PIXELS, _WIDE_CHARACTER_PIXELS = 12, 6.6, 7.4
_COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
)  # Okabe and Ito, for colour blindness
_RADIUS = (5.0, 11.0)  # pixels, for the fewest and for the most parameters


def draw(points: Sequence[Point], error_name: str, stage: str) -> str:
    """Return the figure as SVG.

    Args:
        points: the models, at least one; those of each set of images get a panel.
        error_name: the name of the error on its axis, for example GAUSS_GRAD 800×600.
        stage: the stage whose latency is drawn.
    """
    machines = list(dict.fromkeys(point.machine for point in points))
    sets = list(dict.fromkeys(point.data for point in points))
    height = HEIGHT + _MORE_HEIGHT * (len(sets) - 1)
    heading, top = _machines(machines)
    top += _LINE_PIXELS if len(sets) > 1 else 0  # for the title of the first panel
    across = _Axis.around(
        [value for point in points for value in (point.latency_ms, point.latency_low_ms, point.latency_high_ms)],
        _LEFT,
        WIDTH - _RIGHT,
    )
    threads = points[0].threads
    title = f"{error_name} against latency of {stage} on {threads} thread{'s' if threads > 1 else ''}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="{_FONT_PIXELS}" role="img">',
        f"<title>{escape(printable(title))}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _text(WIDTH / 2 + 30, height - 14, f"latency of {stage}, ms", anchor="middle"),
        f'<g transform="rotate(-90 20 {height / 2})">'
        + _text(20, height / 2, f"{error_name} (lower is better)", anchor="middle")
        + "</g>",
        *heading,
    ]
    each = (height - _BOTTOM - top - _PANEL_GAP * (len(sets) - 1)) / len(sets)
    for index, data in enumerate(sets):
        start = top + index * (each + _PANEL_GAP)
        panel = _Panel(across, start, start + each)
        if len(sets) > 1:
            lines.append(_text(_LEFT, start - 6, data))
        lines += panel.draw([point for point in points if point.data == data], machines)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _machines(machines: Sequence[str]) -> tuple[list[str], float]:
    """Return the lines that name the machines beside their colours, and the height at which the panels begin."""
    room = WIDTH - _RIGHT - _LEFT - _KEY
    lines, y = [], 18
    for index, machine in enumerate(machines):
        lines.append(f'<circle cx="{_LEFT + 6}" cy="{y - 4}" r="5" fill="{_COLOURS[index % len(_COLOURS)]}"/>')
        for line in text_lines(machine, room, _WIDE_CHARACTER_PIXELS):
            lines.append(_text(_LEFT + _KEY, y, line))
            y += _LINE_PIXELS
    return lines, y + _TOP - 18


@dataclass(frozen=True)
class _Axis:
    """An axis with round marks, which maps values to pixels."""

    first: float
    last: float
    start: float
    end: float
    step: float

    @classmethod
    def around(cls, values: Sequence[float | None], start: float, end: float) -> _Axis:
        """Return an axis from a round value below all values to one above; from 0 if 0 is near."""
        known = [value for value in values if value is not None]
        low, high = min(known), max(known)
        low = 0.0 if low < (high - low) / 2 else low
        span = high - low if high - low > 1e-9 * abs(high) else abs(high) or 1.0
        magnitude = 10.0 ** math.floor(math.log10(span / 4))
        step = next(factor * magnitude for factor in (1, 2, 5, 10) if span / (factor * magnitude) <= 6)
        return cls(
            max(0.0, math.floor((low - 0.05 * span) / step) * step),
            math.ceil((high + 0.05 * span) / step) * step,
            start,
            end,
            step,
        )

    def pixel(self, value: float) -> float:
        return self.start + (value - self.first) / (self.last - self.first) * (self.end - self.start)

    def marks(self) -> Iterator[tuple[float, str]]:
        decimals = max(0, -math.floor(math.log10(self.step) + 1e-9))
        for index in range(round((self.last - self.first) / self.step) + 1):
            value = self.first + index * self.step
            yield self.pixel(value), f"{value:.{decimals}f}"


@dataclass(frozen=True)
class _Panel:
    """The part of the figure that shows the models on one set of images, between two heights in pixels."""

    across: _Axis
    top: float
    bottom: float

    def draw(self, points: Sequence[Point], machines: Sequence[str]) -> Iterator[str]:
        """Return the grid, the front of each machine, and every model with its name."""
        errors = [value for point in points for value in (point.error, point.error_low, point.error_high)]
        up = _Axis.around(errors, self.bottom, self.top)
        yield from self._grid(up)
        for machine in machines:
            yield from self._front([point for point in points if point.machine == machine], machines, up)
        yield from self._circles(points, machines, up)

    def _grid(self, up: _Axis) -> Iterator[str]:
        for x, text in self.across.marks():
            yield f'<path d="M{x:.1f} {self.top:.1f}V{self.bottom:.1f}" stroke="#e4e4e4"/>'
            yield _text(x, self.bottom + 18, text, anchor="middle")
        for y, text in up.marks():
            yield f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="#e4e4e4"/>'
            yield _text(_LEFT - 8, y + 4, text, anchor="end")
        yield f'<path d="M{_LEFT} {self.top:.1f}V{self.bottom:.1f}H{WIDTH - _RIGHT}" fill="none" stroke="#666"/>'

    def _front(self, points: Sequence[Point], machines: Sequence[str], up: _Axis) -> Iterator[str]:
        best = front(points)
        if len(best) > 1:
            places = [f"{self.across.pixel(point.latency_ms):.1f} {up.pixel(point.error):.1f}" for point in best]
            colour = _COLOURS[machines.index(best[0].machine) % len(_COLOURS)]
            yield f'<path d="M{"L".join(places)}" fill="none" stroke="{colour}" stroke-dasharray="4 4"/>'

    def _circles(self, points: Sequence[Point], machines: Sequence[str], up: _Axis) -> Iterator[str]:
        sizes = [math.log(point.parameters) for point in points if point.parameters]
        occupied: list[_Box] = []
        placed = []
        for point in points:
            x, y, radius = self.across.pixel(point.latency_ms), up.pixel(point.error), _radius(point.parameters, sizes)
            placed.append((point, x, y, radius))
            occupied.append(_Box(x - radius, y - radius, x + radius, y + radius))
        for point, x, y, radius in placed:
            colour = _COLOURS[machines.index(point.machine) % len(_COLOURS)]
            if point.error_low is not None and point.error_high is not None:
                yield _bar(f"M{x:.1f} {up.pixel(point.error_low):.1f}V{up.pixel(point.error_high):.1f}", colour)
            if point.latency_low_ms is not None and point.latency_high_ms is not None:
                low, high = self.across.pixel(point.latency_low_ms), self.across.pixel(point.latency_high_ms)
                yield _bar(f"M{low:.1f} {y:.1f}H{high:.1f}", colour)
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" fill-opacity="0.75">'
            yield f"<title>{escape(printable(_describe(point)))}</title></circle>"
            box, anchor = self._free_place(point.label, x, y, radius, occupied)
            occupied.append(box)
            yield _text(box.left if anchor == "start" else box.right, box.bottom - 3, point.label, anchor=anchor)

    def _free_place(self, label: str, x: float, y: float, radius: float, occupied: Sequence[_Box]) -> tuple[_Box, str]:
        """Return a box and an anchor for a label near its circle; it overlaps nothing if there is such a place."""
        width, height = len(label) * _CHARACTER_PIXELS, _FONT_PIXELS + 4
        boxes = []
        for shift in (-0.6, 0.6, -1.2, 1.2, -2, 2, -3, 3):  # in lines, so that the label is not on the bars
            top = y + shift * height - height / 2
            right = _Box(x + radius + 4, top, x + radius + 4 + width, top + height)
            left = _Box(x - radius - 4 - width, top, x - radius - 4, top + height)
            boxes += [(right, "start"), (left, "end")]
        free = (
            place
            for place in boxes
            if self._holds(place[0]) and not any(place[0].overlaps(other) for other in occupied)
        )
        return next(free, (self._moved_inside(boxes[0][0]), "start"))

    def _holds(self, box: _Box) -> bool:
        return box.left >= _LEFT and box.right <= WIDTH and box.top >= self.top - _TOP and box.bottom <= self.bottom

    def _moved_inside(self, box: _Box) -> _Box:
        """Return a box of the same size inside the panel; one that is too wide begins at the figure's left edge."""
        right = max(0.0, box.right - WIDTH)
        down = max(0.0, self.top - _TOP - box.top) - max(0.0, box.bottom - self.bottom)
        left = max(0.0, box.left - right)
        return _Box(left, box.top + down, left + box.right - box.left, box.bottom + down)


def _radius(parameters: int | None, logarithms: Sequence[float]) -> float:
    """Return a radius such that the circle's area grows with the logarithm of the parameters, as in the paper."""
    small, large = _RADIUS
    low, high = min(logarithms, default=0), max(logarithms, default=0)
    if parameters is None or high == low:
        return math.sqrt((small**2 + large**2) / 2) if parameters else small
    fraction = (math.log(parameters) - low) / (high - low)
    return math.sqrt(small**2 + fraction * (large**2 - small**2))


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: _Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def _describe(point: Point) -> str:
    parameters = "" if point.parameters is None else f", {point.parameters:,} parameters"
    return f"{point.label}: {point.latency_ms:.2f} ms, {point.error:.5f}{parameters}; {point.machine}"


def _bar(path: str, colour: str) -> str:
    return f'<path d="{path}" stroke="{colour}" stroke-opacity="0.5" stroke-width="2"/>'


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    # A text that is wider than the whole figure is squeezed.
    squeezed = ""
    if len(text) * _CHARACTER_PIXELS > WIDTH:
        x, anchor, squeezed = 0.0, "start", f' textLength="{WIDTH}" lengthAdjust="spacingAndGlyphs"'
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222"{squeezed}>{escape(printable(text))}</text>'
    )
