"""The result of an ablation as Markdown: every variant beside the mean of all sources, with the noise of repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmnet.evaluation.report import markdown_rows

FORMAT = "mmnet-ablation/1"
TITLES = {
    "cutouts-validation": "whole people",
    "fashion-validation": "half figures",
    "scenes-validation": "16:9 scenes",
    "groups-validation": "groups",
    "nobody-validation": "nobody",
    "portraits-test": "portraits",
    "portraits-test-median": "portraits, mattes by networks",
}
LABELS = {"MAD": "MAD", "GAUSS_GRAD": "GAUSS_GRAD", "wrong_people": "over a quarter wrong", "ghosts": "ghosts"}
COUNTS = ("wrong_people", "ghosts")  # parts of the images
DIGITS = {"MAD": 4, "GAUSS_GRAD": 5}

Key = tuple[str, str]  # a set and a measure


def value_of(variant: Mapping[str, Any], key: Key) -> float | None:
    """Return the value of a measure of a variant on a set; None where it was not measured."""
    value: float | None = variant["sets"].get(key[0], {}).get(key[1])
    return value


def noise_of(repeats: Sequence[Mapping[str, Any]], keys: Sequence[Key], images: Mapping[str, int]) -> dict[Key, float]:
    """Return the noise of each measure: the difference below which nothing is said.

    Few repeats may be close to each other by chance. The noise is therefore the larger of the range of the measure over
    the repeats and a second value: of a mean, itself times the median over all sets of the relative range; of a part of
    the images, one image.

    Args:
        repeats: the variants that differ in the seed alone, at least one.
        keys: the measures.
        images: set -> the number of its images.
    """
    values = {key: np.array([value_of(one, key) for one in repeats], np.float64) for key in keys}
    noise = {}
    for key, found in values.items():
        least = 1 / images[key[0]]
        if key[1] not in COUNTS:
            alike = [other for (_, measure), other in values.items() if measure == key[1]]
            least = float(found.mean() * np.median([np.ptp(one) / one.mean() for one in alike if one.mean()] or [0.0]))
        noise[key] = max(float(np.ptp(found)), least)
    return noise


def markdown(document: Mapping[str, Any]) -> str:
    """Return the tables of a result: MAD by set, GAUSS_GRAD by set, and the parts of wrong images."""
    variants = document["variants"]
    images = {one["name"]: one["images"] for one in document["settings"]["sets"]}
    tables = []
    for measures in (("MAD",), ("GAUSS_GRAD",), COUNTS):
        keys = [(name, one) for name in TITLES for one in measures]
        keys = [key for key in keys if value_of(variants[0], key) is not None]
        if keys:
            tables.append(_table(variants, keys, images))
    return "\n\n".join(tables) + "\n"


def _table(variants: Sequence[Mapping[str, Any]], keys: Sequence[Key], images: Mapping[str, int]) -> str:
    repeats = [one for one in variants if one["repeat"]]
    base = {key: float(np.array([value_of(one, key) for one in repeats], np.float64).mean()) for key in keys}
    noise = noise_of(repeats, keys, images)
    measures = {key[1] for key in keys}
    single = len(measures) == 1
    costs = measures == {"MAD"}  # the first table shows the cost of each run, too
    head = [
        LABELS[keys[0][1]] if single else "",
        *(["steps", "core-s"] if costs else []),
        *(TITLES[name] if single else f"{TITLES[name]}: {LABELS[measure]}" for name, measure in keys),
    ]
    empty = ["", ""] if costs else []
    rows = [
        ["mean of all sources", *empty, *(_text(key, base[key]) for key in keys)],
        ["noise", *empty, *(_noise_text(key, noise[key], base[key]) for key in keys)],
    ]
    for one in variants:
        cost = [str(one["steps"]), f"{one['training_core_seconds']:.0f}"] if one["steps"] else ["", ""]
        cells = (_cell(key, value_of(one, key), base[key], noise[key]) for key in keys)
        rows.append([one["title"], *(cost if costs else []), *cells])
    return "\n".join(markdown_rows(head, rows))


def _text(key: Key, value: float) -> str:
    return f"{value:.0%}" if key[1] in COUNTS else f"{value:.{DIGITS[key[1]]}f}"


def _noise_text(key: Key, noise: float, base: float) -> str:
    return f"±{noise:.0%}" if key[1] in COUNTS or not base else f"±{noise / base:.0%}"


def _cell(key: Key, value: float | None, base: float, noise: float) -> str:
    """Return a value with its difference from the base, in bold where that exceeds the noise."""
    if value is None:
        return ""
    text = _text(key, value)
    if key[1] not in COUNTS and base:
        text += f" ({(value - base) / base:+.0%})"
    return f"**{text}**" if abs(value - base) > noise + 1e-12 else text
