"""Published figures: what the evaluation of a release found, as it ships with the installation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from mmnet.json_reader import parse_json

_MEASURES = ("MAD", "GAUSS_GRAD")


@dataclass(frozen=True)
class PublishedSet:
    """A set of images that a release was measured on.

    Attributes:
        images: their number.
        sha256: the hash over their names and pixels, as `mmnet.evaluation.datasets.pairs.check_pairs` returns it.
    """

    images: int
    sha256: str


@dataclass(frozen=True)
class PublishedFigures:
    """The figures of one set of images.

    Attributes:
        title: the set, for people.
        images: the number of its images.
        values: measure -> mean over the images; `MAD` and `GAUSS_GRAD` at 800×600, where they were measured.
    """

    title: str
    images: int
    values: Mapping[str, float]


def published_sets() -> dict[str, PublishedSet]:
    """Return the sets of images that the release was measured on, by name."""
    return {one["name"]: PublishedSet(one["images"], one["sha256"]) for one in _document()["sets"]}


def published_figures(sha256: str) -> list[PublishedFigures]:
    """Return the figures of the model whose file has this SHA-256; none if it was not measured."""
    document = _document()
    model = next((one for one in document["models"] if one["sha256"] == sha256), None)
    if model is None:
        return []
    return [
        PublishedFigures(
            one["title"],
            one["images"],
            {name: found["value"] for name, found in model["sets"][one["name"]].items() if name in _MEASURES},
        )
        for one in document["sets"]
        if one["name"] in model["sets"]
    ]


def _document() -> Any:
    text = (resources.files("mmnet.evaluation") / "results" / "release.json").read_text(encoding="utf-8")
    return parse_json(text)
