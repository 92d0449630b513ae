"""HTML pages that are one file: no script and nothing loaded; they adapt to light or dark and to any width."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

import cv2

from mmnet.arrays import U8Array

_STYLE = """
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #fff; --ink: #1d1f24; --soft: #626773; --line: #e3e1dc;
  --good: #17734a; --good-ground: #e2f3ea; --bad: #b3261e; --bad-ground: #fbe6e4; --bar: #3d6fb6; --track: #eceae5; }
@media (prefers-color-scheme: dark) { :root { --ground: #14161a; --card: #1c1f25; --ink: #e8e8ea; --soft: #9ba1ad;
  --line: #30343c; --good: #6fd3a0; --good-ground: #15322554; --bad: #ff9b91; --bad-ground: #4a1b1754; --bar: #7ba7e6;
  --track: #2a2e36; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: break-word;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 56px; }
header p, .note { color: var(--soft); }
h1 { font-size: clamp(1.5rem, 1.1rem + 1.9vw, 2.2rem); line-height: 1.2; letter-spacing: -.015em; margin: 0 0 .3em; }
h2 { font-size: 1.2rem; margin: 2.4em 0 .6em; letter-spacing: -.005em; }
h3 { font-size: 1rem; margin: 1.6em 0 .5em; }
p { margin: .4em 0; max-width: 68ch; }
.note { font-size: .875rem; }
.verdict { border-radius: 14px; padding: 20px 22px; margin-bottom: 20px; border-left: 6px solid; }
.verdict.good { background: var(--good-ground); border-color: var(--good); }
.verdict.bad { background: var(--bad-ground); border-color: var(--bad); }
.verdict.good h1, td.good, .good > b { color: var(--good); }
.verdict.bad h1, td.bad, .bad > b { color: var(--bad); }
.verdict p { margin: 0; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 8px 14px; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; color: var(--soft); font-weight: 500; font-size: .8rem; vertical-align: bottom; }
th:first-child, td:first-child, .left th, .left td { text-align: left; }
tbody th { font-weight: 500; }
small { display: block; color: var(--soft); font-size: .78rem; font-weight: 400; }
td small, .stack:not(.left) td { white-space: nowrap; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 16px; }
figure { margin: 0; }
.card { border: 1px solid var(--line); border-radius: 12px; background: var(--card); padding: 14px 16px; }
.card figcaption { font-size: .875rem; color: var(--soft); margin-bottom: 10px; }
.card figcaption b { color: var(--ink); display: block; font-size: .95rem; }
svg { display: block; width: 100%; max-width: 540px; height: auto; }
svg text { font-size: 11px; fill: var(--soft); }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .bar { fill: var(--bar); } svg .track { fill: var(--track); } svg .grid { stroke: var(--line); }
svg .mark { stroke: var(--ink); stroke-width: 1.5; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 10px; }
.panels img { display: block; width: 100%; height: auto; border-radius: 8px; background: var(--track); }
.panels figcaption { font-size: .8rem; color: var(--soft); margin-top: 4px; }
.image { margin-bottom: 14px; }
.image > h3 { margin: 0 0 10px; font-size: .95rem; }
.image > h3 span { color: var(--soft); font-weight: 400; }
.ramp { display: inline-block; width: 96px; height: 10px; border-radius: 5px; vertical-align: middle; margin: 0 6px; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: .82rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace;
  background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 12px 16px; margin: 0; }
details { margin: .6em 0; } summary { cursor: pointer; padding: 6px 0; }
@media (max-width: 640px) { main { padding: 16px 14px 40px; } th, td { padding: 7px 10px; }
  .panels { grid-template-columns: repeat(2, 1fr); } .panels figure:nth-child(4) { order: -1; }
  .panels figure:first-child { order: -2; } table.stack thead { display: none; }
  table.stack tr { display: grid; grid-template-columns: 1fr 1fr; padding: 8px 0; border-top: 1px solid var(--line); }
  table.stack tbody tr:first-child { border-top: 0; }
  table.stack th, table.stack td { white-space: normal; border: 0; padding: 3px 12px; text-align: left; }
  table.stack th { grid-column: 1 / -1; }
  table.stack td::before { content: attr(data-label); display: block; color: var(--soft); font-size: .75rem; } }
@media print { body { background: #fff; } .card, .scroll { break-inside: avoid; } }
"""


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole HTML document.

    Args:
        title: the title, plain text.
        body: the pieces of its body, HTML.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, classes: str = "stack") -> str:
    """Return a table; the first cell of a row is its heading.

    Args:
        head: the headings of the columns, plain text.
        rows: the cells of the rows, HTML; as many as there are columns.
        classes: `stack` turns each row into a block on narrow screens; `left` aligns words to the left.
    """
    headings = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
    lines = []
    for first, *cells in rows:
        data = "".join(
            f'<td data-label="{escape(name)}">{cell}</td>' for name, cell in zip(head[1:], cells, strict=True)
        )
        lines.append(f"<tr><th scope=row>{first}</th>{data}</tr>")
    return (
        f'<div class=scroll><table class="{classes}"><thead><tr>{headings}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def plot(title: str, caption: str, svg: str) -> str:
    """Return a plot with its title and caption."""
    return f"<figure class=card><figcaption><b>{escape(title)}</b>{escape(caption)}</figcaption>{svg}</figure>"


def image(pixels: U8Array, alt: str) -> str:
    """Return an image embedded in the page, as WebP.

    Args:
        pixels: uint8 [H, W] or [H, W, 3] RGB.
        alt: the description of the image.
    """
    stored = pixels if pixels.ndim == 2 else pixels[..., ::-1]
    done, encoded = cv2.imencode(".webp", stored, [cv2.IMWRITE_WEBP_QUALITY, 82])
    assert done
    data = base64.b64encode(encoded.tobytes()).decode()
    height, width = pixels.shape[:2]
    return f'<img src="data:image/webp;base64,{data}" width="{width}" height="{height}" alt="{escape(alt)}">'
