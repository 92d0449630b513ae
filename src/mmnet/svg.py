"""Small plots as inline SVG.

A page gives the colours by classes (see `mmnet.evaluation.parity.html`); `standalone` makes a file with its own.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from mmnet.text import printable

# The width of a phone, so that text keeps its size there; a page enlarges a plot by half at most.
WIDTH = 360
_TITLE = ' class="title"'
_CHARACTER, _TITLE_CHARACTER = 6.4, 8.6  # pixels of a character of 11 and of 14 pixels, widely set
_LINE = 17


def text_lines(text: str, pixels: float, character: float) -> list[str]:
    """Return a text in lines that are at most so many pixels wide, broken at spaces where that is possible.

    Args:
        text: the text; at least one line is returned.
        pixels: the width of a line.
        character: the width of a character.
    """
    return textwrap.wrap(text, max(1, int(pixels / character))) or [""]


def histogram(
    edges: NDArray[np.float64], counts: NDArray[np.int64], *, label: str, describe: str, logarithmic: bool = False
) -> str:
    """Return a histogram: bars over a number line.

    Args:
        edges: the edges of the bars, float64 [N + 1], increasing and evenly spaced.
        counts: the counts of the bars, int64 [N].
        label: the label of the number line.
        describe: a description of the plot in one sentence, for screen readers.
        logarithmic: whether heights are log10(1 + count).
    """
    labels = text_lines(label, WIDTH, _CHARACTER)
    left, top, plot_height = 40, 8, 128
    plot_width, height = WIDTH - left - 6, top + plot_height + 18 + 16 * len(labels)
    heights = np.log10(1 + counts) if logarithmic else counts.astype(np.float64)
    tallest = float(heights.max()) or 1.0
    low, high = float(edges[0]), float(edges[-1])

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * plot_width

    parts = []
    for value, text in _decades(int(counts.max())) if logarithmic else _whole_ticks(int(counts.max())):
        y = top + plot_height - (math.log10(1 + value) if logarithmic else value) / tallest * plot_height
        parts.append(f'<line class="grid" x1="{left}" x2="{WIDTH - 6}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="end" x="{left - 5}" y="{y + 4:.1f}">{text}</text>')
    step = plot_width / len(counts)
    for index, tall in enumerate(heights):
        if tall:
            bar = tall / tallest * plot_height
            parts.append(
                f'<rect class="bar" x="{left + index * step:.2f}" y="{top + plot_height - bar:.2f}" '
                f'width="{max(step - (1 if step > 3 else 0.2), 0.4):.2f}" height="{bar:.2f}"/>'
            )
    for tick in _ticks(low, high):
        anchor, at = ("end", WIDTH - 1) if x(tick) > WIDTH - 20 else ("middle", x(tick))
        parts.append(f'<text class="{anchor}" x="{at:.1f}" y="{top + plot_height + 15}">{_short(tick)}</text>')
    for index, line in enumerate(labels):
        # The plot's middle, or that of the whole width for a line that is wider than the plot.
        middle = left + plot_width / 2 if len(line) * _CHARACTER < plot_width else WIDTH / 2
        y = height - 3 - 16 * (len(labels) - 1 - index)
        parts.append(f'<text class="middle" x="{middle}" y="{y}">{_safe(line)}</text>')
    return _svg(height, describe, parts)


def bars(rows: Sequence[tuple[str, float, str]], *, describe: str, marks: Sequence[float | None] = ()) -> str:
    """Return one horizontal bar per row, with the name above it and the value at its end.

    Args:
        rows: name, value >= 0, and the value as text.
        describe: a description of the plot in one sentence, for screen readers.
        marks: a second value per row, drawn as a tick across the bar; None for no tick.
    """
    row, right = 27, 62
    largest = max([value for _, value, _ in rows] + [mark for mark in marks if mark is not None], default=0) or 1.0
    parts = []
    for index, (name, value, text) in enumerate(rows):
        y, length = index * row, value / largest * (WIDTH - right)
        squeezed = "" if len(name) * _CHARACTER <= WIDTH else f' textLength="{WIDTH}" lengthAdjust="spacingAndGlyphs"'
        parts.append(f'<text x="0" y="{y + 11}"{squeezed}>{_safe(name)}</text>')
        parts.append(f'<rect class="track" x="0" y="{y + 15}" width="{WIDTH - right}" height="6" rx="3"/>')
        parts.append(f'<rect class="bar" x="0" y="{y + 15}" width="{max(length, 1):.1f}" height="6" rx="3"/>')
        mark = marks[index] if index < len(marks) else None
        if mark is not None:
            at = mark / largest * (WIDTH - right)
            parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{y + 12}" y2="{y + 24}"/>')
        parts.append(f'<text class="end" x="{WIDTH}" y="{y + 22}">{_safe(text)}</text>')
    return _svg(len(rows) * row, describe, parts)


def standalone(plot: str, heading: Sequence[str]) -> str:
    """Return a plot as the content of an SVG file that adapts to light or dark.

    Args:
        plot: the result of `histogram` or `bars`.
        heading: the lines above it; the first is the title.
    """
    style = (
        "text{font:11px system-ui,sans-serif;fill:#444}.end{text-anchor:end}.middle{text-anchor:middle}"
        ".title{font-size:14px;font-weight:600}"
        ".bar{fill:#3d6fb6}.track{fill:#e6e4df}.grid{stroke:#ddd}.mark{stroke:#111;stroke-width:1.5}"
        "svg{background:#fff}@media(prefers-color-scheme:dark){svg{background:#14161a}text{fill:#c4c8d0}"
        ".bar{fill:#7ba7e6}.track{fill:#2a2e36}.mark{stroke:#fff}}"
    )
    height = int(plot.split('viewBox="0 0 ')[1].split('"')[0].split()[1])
    margin = 16
    title, *more = heading
    titles = text_lines(title, WIDTH, _TITLE_CHARACTER)
    written = [*titles, *(line for text in more for line in text_lines(text, WIDTH, _CHARACTER))]
    top = margin + _LINE * len(written) + 8
    width, whole = WIDTH + 2 * margin, top + height + margin
    lines = "".join(
        f'<text x="{margin}" y="{margin + _LINE * index + 10}"{_TITLE if index < len(titles) else ""}>'
        f"{_safe(text)}</text>"
        for index, text in enumerate(written)
    )
    inner = plot.replace("<svg ", f'<svg x="{margin}" y="{top}" width="{WIDTH}" height="{height}" ', 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{whole}" viewBox="0 0 {width} {whole}">'
        f"<style>{style}</style>{lines}{inner}</svg>\n"
    )


def _svg(height: int, describe: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{_safe(describe)}">'
        f"<title>{_safe(describe)}</title>{''.join(parts)}</svg>"
    )


def _decades(largest: int) -> list[tuple[float, str]]:
    """Return the even powers of ten up to `largest`, with their texts."""
    names = ["1", "10", "100", "1 k", "10 k", "100 k", "1 M", "10 M", "100 M", "1 G"]
    return [(10.0**power, name) for power, name in enumerate(names) if power % 2 == 0 and 10**power <= largest]


def _whole_ticks(largest: int) -> list[tuple[float, str]]:
    """Return round whole numbers up to `largest`, with their texts."""
    return [(float(tick), _short(tick)) for tick in _ticks(0, largest, 4) if float(tick).is_integer()]


def _ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Return about `count` round numbers between `low` and `high`."""
    rough = (high - low) / count
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def _short(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def _safe(text: str) -> str:
    """Return a text as XML can hold it: without control characters, and with its markup escaped."""
    return escape(printable(text))
