"""Bodies of random gender, age, origin and build, after MakeHuman's macro targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from mmnet.arrays import F32Array

from .makehuman import Library

ORIGINS: tuple[str, ...] = ("african", "asian", "caucasian")
# MakeHuman's measure of age; bodies are blended between the two next to theirs.
CHILD, YOUNG, OLD = 0.1875, 0.5, 1.0
AGES = ((0.2, 0.4), (0.45, 0.65), (0.6, 0.95))  # intervals to draw from
AGE_SHARES = (0.15, 0.6, 0.25)
MIDDLE_AGED, AGED = 0.65, 0.82  # where the textures of the skin change
GENDER = (0.08, 0.92)  # 0 is a woman's body, 1 a man's; drawn around these values
IDEAL = 0.6  # share of ideal proportions
STOMACH = 0.3  # of all bodies have some

Weights = dict[str, float]


@dataclass(frozen=True)
class Body:
    """A body at rest.

    Attributes:
        vertices: float32 [VERTICES, 3].
        male: whether it is a man's.
        skin: the skin that suits it, `AGE_ORIGIN_GENDER`.
    """

    vertices: F32Array
    male: bool
    skin: str


def _between(value: float, names: tuple[str, str, str]) -> Weights:
    """Return the weights of the least, the average and the greatest for a value in 0-1."""
    least, average, greatest = names
    return {least: max(0.0, 1 - 2 * value), average: 1 - abs(2 * value - 1), greatest: max(0.0, 2 * value - 1)}


def _age_weights(age: float) -> Weights:
    """Return the weights of the ages next to one."""
    if age < YOUNG:
        young = (age - CHILD) / (YOUNG - CHILD)
        return {"child": 1 - young, "young": young}
    old = (age - YOUNG) / (OLD - YOUNG)
    return {"young": 1 - old, "old": old}


def _macro_targets(genders: Weights, ages: Weights, origins: Weights, *build: Weights) -> Iterator[tuple[str, float]]:
    """Yield the names and weights of the targets whose weights are the products of their parts'."""
    muscles, weights, heights = build
    for (gender, of_gender), (age, of_age) in product(genders.items(), ages.items()):
        share = of_gender * of_age
        for origin, of_origin in origins.items():
            yield f"macrodetails/{origin}-{gender}-{age}", share * of_origin
        for (muscle, of_muscle), (weight, of_weight) in product(muscles.items(), weights.items()):
            kind, part = f"{gender}-{age}-{muscle}-{weight}", share * of_muscle * of_weight
            yield f"macrodetails/universal-{kind}", part
            yield f"macrodetails/proportions/{kind}-idealproportions", part * IDEAL
            for height, of_height in heights.items():
                yield f"macrodetails/height/{kind}-{height}", part * of_height
            if gender == "female":
                yield f"breast/{kind}-averagecup-averagefirmness", part


def draw_body(library: Library, random: np.random.Generator) -> Body:
    """Draw a body."""
    gender = float(np.clip(random.choice(GENDER) + random.normal(0, 0.08), 0, 1))
    age = float(random.choice([random.uniform(*interval) for interval in AGES], p=AGE_SHARES))
    origins: Weights = dict(zip(ORIGINS, random.dirichlet([0.6] * 3), strict=True))
    vertices = library.rest.copy()
    genders = {"male": gender, "female": 1 - gender}
    build = [
        _between(float(np.clip(random.normal(0.5, spread), 0, 1)), (f"min{name}", f"average{name}", f"max{name}"))
        for name, spread in (("muscle", 0.18), ("weight", 0.22), ("height", 0.15))
    ]
    for name, weight in _macro_targets(genders, _age_weights(age), origins, *build):
        if weight > 0.01 and library.has_target(name):
            vertices += np.float32(weight) * library.target(name)
    if random.uniform() < STOMACH:
        vertices += np.float32(random.uniform(0, 0.4)) * library.target("stomach/stomach-pregnant-incr")
    male = gender > 0.5
    era = "young" if age < MIDDLE_AGED else "middleage" if age < AGED else "old"
    origin = max(origins, key=lambda name: origins[name])
    return Body(vertices, male, f"{era}_{origin}_{'male' if male else 'female'}")
