"""A comparison of two models as one self-contained HTML page: the verdict first, if there is one, then the figures."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from html import escape

import cv2
import numpy as np

from mmnet import svg
from mmnet.arrays import F32Array, U8Array
from mmnet.evaluation.datasets.pairs import Pair, Photo
from mmnet.evaluation.framing import PlacedAlpha
from mmnet.evaluation.machine import processor, tool_versions
from mmnet.evaluation.models import Candidate
from mmnet.evaluation.parity import html as page
from mmnet.evaluation.parity.compare import ACCURACY, DIFFERENCES, LEVELS, RANKED_BY, Parity, alphas
from mmnet.evaluation.parity.report import (
    ComparisonReport,
    ParityReport,
    check_texts,
    interval_text,
    number,
    percent,
    roles,
    signed,
    undecided_text,
)
from mmnet.evaluation.statistics import LEVEL, RESAMPLES, SEED, Statistics
from mmnet.runtime import ModelError, composite
from mmnet.runtime.fullres.upsampling import resize_alpha
from mmnet.runtime.tflite.inspection import ModelReport, inspect_model

_SIDE = 360  # pixels of an image's longer side in the report
_GREEN = (0, 177, 64)
_HEAT_SPAN = 0.25  # |Δα| at the hot end of the heat map
_WORST, _MEDIAN = 4, 2
_SHOWN_LAYERS = 24


def html(report: ParityReport, images: Sequence[Pair] | Sequence[Photo], *, with_photos: bool = True) -> str:
    """Return the report as one HTML file.

    Args:
        report: the report.
        images: the images that it was measured on; the page shows the worst and the median ones.
        with_photos: whether to show images; False for a report that must not contain photos of people.

    Raises:
        DatasetError, ModelError: an image cannot be read again, or a model cannot be run.
    """
    parity = report.parity
    strict = " The upper end of each interval was judged." if report.strict else ""
    body = [
        _heading(report),
        _checks(report),
        *_measured(report.comparison, images, with_photos=with_photos),
        "<h2>Error by layer</h2>",
        *_layers(report),
        *_origin(report.comparison, strict),
    ]
    return page.page(f"{report.verdict}: {parity.other.name} against {parity.reference.name}", body)


def comparison_html(
    report: ComparisonReport, images: Sequence[Pair] | Sequence[Photo], *, with_photos: bool = True
) -> str:
    """Return a comparison without a judgement as one HTML file; arguments and errors are those of `html`."""
    title = f"{report.parity.other.name} against {report.parity.reference.name}"
    about = "Neither is judged. A figure whose interval does not hold 0 tells the two apart."
    heading = f"<header class=verdict><h1>{escape(title)}</h1><p>{_on_what(report)}</p><p>{about}</p></header>"
    body = [heading, *_measured(report, images, with_photos=with_photos), *_origin(report)]
    return page.page(title, body)


def _measured(report: ComparisonReport, images: Sequence[Pair] | Sequence[Photo], *, with_photos: bool) -> list[str]:
    parity = report.parity
    body = ["<h2>How far apart the two are</h2>", _differences(parity)]
    if parity.changes:
        body += ["<h2>Accuracy of each</h2>", _accuracy(parity)]
    body += ["<h2>Distribution of the difference</h2>", _distributions(parity)]
    if with_photos:
        body += ["<h2>Images</h2>", *_images(report, images)]
    return body


def _origin(report: ComparisonReport, judged: str = "") -> list[str]:
    how = ["<h2>How it was measured</h2>", *_how(report, judged)]
    return ["<h2>Models</h2>", *_models(report.parity), *how]


def _on_what(report: ComparisonReport) -> str:
    names = f"<b>{escape(report.parity.other.name)}</b> against <b>{escape(report.parity.reference.name)}</b>"
    mattes = "with known mattes" if report.parity.changes else "without known mattes"
    where = f"{report.data['images']} images of {escape(str(report.data['folder']))}"
    split = f", split {escape(report.data['split'])}" if report.data["split"] else ""
    return f"{names} on {where}{split}, {mattes}."


def _heading(report: ParityReport) -> str:
    doubt = undecided_text(report).strip(" ()")
    return (
        f'<header class="verdict {"good" if report.passed else "bad"}" id=verdict><h1>{escape(report.verdict)}</h1>'
        f"<p>{_on_what(report.comparison)}</p>"
        + (f"<p>{escape(doubt[:1].upper() + doubt[1:])}.</p>" if doubt else "")
        + (f"<p>{escape(report.note)}.</p>" if report.note else "")
        + "</header>"
    )


def _checks(report: ParityReport) -> str:
    rows = []
    for check in report.checks:
        measured, interval, accepted = check_texts(check)
        mark = "<span class=good><b>✓ passed</b></span>" if check.passed else "<span class=bad><b>✗ beyond</b></span>"
        rows.append([escape(check.limit.what), measured, escape(interval), accepted, mark])
    return page.table(["limit", "measured", "95 % interval or image", "accepted", "verdict"], rows)


def _statistics(entry: Statistics) -> list[str]:
    return [number(entry.mean), interval_text(entry, number), number(entry.deviation)]


def _differences(parity: Parity) -> str:
    rows = []
    for entry in DIFFERENCES:
        values = [image.differences[entry.name] for image in parity.images]
        label = f"{entry.name}<small>{escape(entry.definition)}</small>"
        rows.append(
            [label, *_statistics(parity.differences[entry.name]), number(float(np.median(values))), number(max(values))]
        )
    return page.table(["", "mean", "95 % interval", "deviation", "median", "largest"], rows)


def _accuracy(parity: Parity) -> str:
    rows = []
    for figure in ACCURACY:
        change = parity.changes[figure.name]
        rows.append(
            [
                f"{figure.name}<small>{escape(figure.definition)}</small>",
                number(change.reference.mean),
                number(change.other.mean),
                f"{signed(change.difference.mean)}<small>{interval_text(change.difference, signed)}</small>",
                f"{percent(change.increase.value)}<small>{interval_text(change.increase, percent)}</small>",
                f"{change.worse} / {change.better}",
            ]
        )
    head = ["", parity.reference.name, parity.other.name, "paired difference", "increase", "worse / better on"]
    return page.table(head, rows)


def _distributions(parity: Parity) -> str:
    counts = parity.histogram()
    span = 32
    middle = counts[LEVELS - span : LEVELS + span + 1].copy()
    middle[0] += counts[: LEVELS - span].sum()
    middle[-1] += counts[LEVELS + span + 1 :].sum()
    unchanged = counts[LEVELS] / counts.sum()
    values = np.array([image.differences[RANKED_BY] for image in parity.images])
    top = float(values.max()) or 1e-6
    edges = np.linspace(0, top, 31)
    per_image, _ = np.histogram(values, edges)
    edges_of_pixels = (np.arange(2 * span + 2) - span - 0.5) / LEVELS
    return (
        "<div class=plots>"
        + page.plot(
            "Δα of the pixels",
            f"Pixels by difference in steps of 1/255, on a logarithmic scale; the outermost bars hold all beyond "
            f"±{span / LEVELS:.3f}. {unchanged:.1%} do not differ.",
            svg.histogram(
                edges_of_pixels,
                middle,
                label=f"Δα, {parity.other.name} − {parity.reference.name}",
                describe="Histogram of the difference over all pixels",
                logarithmic=True,
            ),
        )
        + page.plot(
            "Mean |Δα| of the images",
            f"Median {number(float(np.median(values)))}, 95th percentile {number(float(np.quantile(values, 0.95)))}.",
            svg.histogram(
                edges,
                per_image.astype(np.int64),
                label="mean |Δα| of an image",
                describe="Histogram of the mean absolute difference over all images",
            ),
        )
        + "</div>"
    )


def _images(report: ComparisonReport, images: Sequence[Pair] | Sequence[Photo]) -> list[str]:
    parity, resize = report.parity, report.resize
    ranked = parity.ranked()
    middle = ranked.index(parity.median())
    # At most a third of the images, so that the median is not among the worst.
    worst = ranked[: max(1, min(_WORST, len(ranked) // 3))]
    chosen = {entry.name: f"worst {index + 1}" for index, entry in enumerate(worst)}
    for entry in ranked[middle : middle + _MEDIAN]:
        chosen.setdefault(entry.name, "median")
    by_name = {image.name: image for image in images}
    difference = {entry.name: entry.differences[RANKED_BY] for entry in ranked}
    ramp = ", ".join(
        "#" + bytes(colour).hex() for colour in _heat(np.linspace(0, _HEAT_SPAN, 9, dtype=np.float32)[None])[0]
    )
    parts = [
        f"<p class=note>|Δα| from 0<span class=ramp style='background:linear-gradient(90deg,{ramp})'></span>"
        f"to {_HEAT_SPAN:g} and more; composites on green with the alpha of each model.</p>"
    ]
    with ExitStack() as stack:
        models = [stack.enter_context(closing(candidate.load(floats=resize.floats))) for _, candidate in roles(parity)]
        for name, why in chosen.items():
            photo, _ = by_name[name].read()
            crops = alphas(photo, models, resize, report.fit)
            panels = [panel for crop in crops for panel in _panels(photo, crop, parity)]
            title = f"<h3>{escape(name)} <span>· {why} · mean |Δα| {number(difference[name])}</span></h3>"
            cells = "".join(
                f"<figure>{page.image(pixels, f'{name}: {caption}')}<figcaption>{escape(caption)}</figcaption></figure>"
                for caption, pixels in panels
            )
            parts.append(f"<section class='card image'>{title}<div class=panels>{cells}</div></section>")
    return parts


def _panels(photo: U8Array, placed: tuple[PlacedAlpha, PlacedAlpha], parity: Parity) -> list[tuple[str, U8Array]]:
    """Return the images of one part of a photo that the networks saw, with their captions."""
    placement = placed[0].placement
    photo, pair = photo[placement.seen.slices], [one.alpha[placement.filled.slices] for one in placed]
    height, width = photo.shape[:2]
    scale = _SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small: U8Array = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    mattes = [resize_alpha(alpha, size[1], size[0]) for alpha in pair]
    names = [candidate.name for _, candidate in roles(parity)]
    delta = resize_alpha(np.abs(pair[1] - pair[0]), size[1], size[0])
    return [
        ("photo", small),
        *((f"α of {name}", np.rint(matte * 255).astype(np.uint8)) for name, matte in zip(names, mattes, strict=True)),
        ("|Δα|", _heat(delta)),
        *((f"{name} on green", composite(small, matte, _GREEN)) for name, matte in zip(names, mattes, strict=True)),
    ]


def _heat(delta: F32Array) -> U8Array:
    """Return the heat map of |Δα|: float32 [H, W] in 0-1 -> uint8 [H, W, 3], RGB."""
    levels = np.rint((delta / _HEAT_SPAN).clip(0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), np.uint8)[..., ::-1]


def _layers(report: ParityReport) -> list[str]:
    if isinstance(report.layers, str):
        return [f"<p class=note>{escape(report.layers)}</p>"]
    worst = sorted(report.layers, key=lambda entry: -entry.relative)[:_SHOWN_LAYERS]
    rows = [(entry.name, entry.relative, f"{entry.relative:.2%}") for entry in worst]
    everything = page.table(
        ["layer", "operator", "output", "relative error", "SQNR", "steps of 1/256"],
        (
            [
                escape(entry.name),
                escape(entry.kind),
                "×".join(map(str, entry.shape[1:])),
                f"{entry.relative:.2%}",
                "∞" if np.isinf(entry.sqnr) else f"{entry.sqnr:.1f} dB",
                "float" if entry.steps is None else f"{entry.steps:.2f}",
            ]
            for entry in report.layers
        ),
    )
    half = (len(rows) + 1) // 2
    plots = "".join(
        f"<div class=card>{svg.bars(part, describe='The layers with the largest relative error')}</div>"
        for part in (rows[:half], rows[half:])
        if part
    )
    return [
        f"<p class=note>Root mean square of the error of a layer's output, relative to that of the output, on "
        f"{report.layer_images} images; it contains the errors of earlier layers. The {len(rows)} largest of "
        f"{len(report.layers)}:</p>",
        f"<div class=plots>{plots}</div>",
        f"<details><summary>All {len(report.layers)} layers, in the order in which they run</summary>{everything}"
        "</details>",
    ]


def _models(parity: Parity) -> list[str]:
    reports = [_inspected(candidate) for _, candidate in roles(parity)]
    names = [candidate.name for _, candidate in roles(parity)]

    def row(name: str, show: Callable[[ModelReport], object]) -> list[str]:
        return [name, *("n/a" if entry is None else escape(str(show(entry))) for entry in reports)]

    sizes = [len(candidate.content) / 1024 for _, candidate in roles(parity)]
    rows = [
        ["source", *(escape(candidate.source) for _, candidate in roles(parity))],
        ["file", f"{sizes[0]:,.1f} KiB", f"{sizes[1]:,.1f} KiB ({sizes[1] / sizes[0]:.0%})"],
        ["input", *(f"{candidate.size}×{candidate.size}" for _, candidate in roles(parity))],
        row("layers", lambda entry: ", ".join(f"{name} ×{count}" for name, count in entry.precisions.items())),
        row("multiply-adds", lambda entry: f"{entry.multiply_adds / 1e6:,.1f} M"),
        row("XNNPACK", lambda entry: _partitions(entry.delegation.partitions)),
        row("operators", lambda entry: len(entry.graph_order)),
    ]
    operators = sorted({name for entry in reports if entry for name in entry.operators})
    counts = [
        [name, *(str(entry.operators.get(name, "–")) if entry else "n/a" for entry in reports)] for name in operators
    ]
    return [
        page.table(["", *names], rows, classes="stack left"),
        f"<details><summary>Operators</summary>{page.table(['operator', *names], counts, classes='')}</details>",
    ]


def _partitions(count: int) -> str:
    return "1 partition" if count == 1 else f"{count} partitions"


def _inspected(candidate: Candidate) -> ModelReport | None:
    try:
        return inspect_model(candidate.content)
    except ModelError:
        return None


def _how(report: ComparisonReport, judged: str) -> list[str]:
    versions = ", ".join(f"{tool} {number}" for tool, number in tool_versions().items())
    recipes = [
        f"<details><summary>Recipe of {escape(candidate.name)}</summary>"
        f"<pre>{escape(json.dumps(dict(candidate.recipe), indent=2, ensure_ascii=False))}</pre></details>"
        for _, candidate in roles(report.parity)
        if candidate.recipe
    ]
    return [
        f"<p>Every image through the runtime, fit {report.fit}, resized {escape(report.resize.what)}. "
        f"Differences are paired: each is of one image. Intervals are {LEVEL:.0%} percentile bootstrap over images "
        f"({RESAMPLES:,} resamples, seed {SEED}).{judged}</p>",
        f"<p class=note>{escape(versions)}, Python {platform.python_version()}, {escape(processor())}.</p>",
        f"<p class=note>Images: SHA-256 {report.data['sha256']}</p>",
        *([f"<pre>{escape(report.command)}</pre>"] if report.command else []),
        *recipes,
    ]
