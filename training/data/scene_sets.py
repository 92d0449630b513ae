"""Data sets of scenes: people of a data set placed into backgrounds, alone or side by side, with their mattes.

Everything follows from the seed and the number of the scene: the same arguments and the same version of OpenCV give
the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmnet.arrays import U8Array
from mmnet.evaluation.datasets.pairs import IMAGE, MASK
from mmnet.files import atomic_folder, make_folder
from mmnet.text import json_text
from mmnet.training.data.layouts import Pair
from mmnet.training.data.scenes import (
    TOP_LIMIT,
    Scene,
    SceneError,
    crop_person,
    cutting_edges,
    person_box,
    read_cutout,
    read_person,
)
from mmnet.training.data.usable import bad_files

FORMAT, ABOUT = "mmnet-scenes/1", "scenes.json"
# First word of the seeds, so that no other use of chance in this package shares a seed.
_SCENE = 17
_CUTOUT_LIMIT = 100  # mean alpha along the lower edge of a cut-out, above which the edge cuts the person, 0-255
_DEVIATION = 0.05  # of the place of each of several people, relative to the frame's width
_VARIATION = 0.15  # of the heights of several people


@dataclass(frozen=True)
class SceneOptions:
    """The choices for the scenes of a data set.

    Attributes:
        sizes: width and height of the scenes in pixels, taken in turn.
        people: the smallest and the largest number of people in a scene.
        heights: the smallest and the largest height of a person, relative to the frame's height. A person who is
            higher than the frame is cut off at its lower edge.
    """

    sizes: Sequence[tuple[int, int]] = ((640, 360),)
    people: tuple[int, int] = (1, 1)
    heights: tuple[float, float] = (0.5, 0.85)

    def __post_init__(self) -> None:
        """Check the choices.

        Raises:
            SceneError: there is no size, or a range is empty or begins too low.
        """
        if not self.sizes:
            raise SceneError("there is no size; give the width and the height of the scenes")
        if not 1 <= self.people[0] <= self.people[1]:
            raise SceneError(f"{self.people[0]}-{self.people[1]} people: give a range from 1 on, such as 2-4")
        if not 0 < self.heights[0] <= self.heights[1] <= 10:
            raise SceneError(f"heights {self.heights[0]}-{self.heights[1]}: give a range within 0-10, such as 0.5-0.85")


@dataclass(frozen=True)
class Cuts:
    """The edges of a photo that cut the person: left, right, top and bottom."""

    left: bool = False
    right: bool = False
    top: bool = False
    bottom: bool = False

    @classmethod
    def of(cls, pair: Pair, alpha: U8Array) -> Cuts:
        """Return the edges that cut the person of a pair; `alpha` is its matte, uint8 [H, W].

        A cut-out is often cropped to its person, so that its sides touch without cutting. Its lower edge cuts where
        most of it is opaque.
        """
        if pair.is_cutout:
            rows, columns = person_box(alpha, pair.matte)
            return cls(bottom=rows.stop == len(alpha) and float(alpha[-1, columns].mean()) > _CUTOUT_LIMIT)
        left, right, top = cutting_edges(alpha)
        return cls(left, right, top, float(alpha[-1].mean()) > TOP_LIMIT)

    def fits(self, several: bool) -> bool:
        """Whether the person can be placed so that no cut lies within the frame, alone or beside others."""
        return not (self.top or (self.left and self.right) or (several and (self.left or self.right)))


@dataclass(frozen=True)
class ScenePlan:
    """A scene to make.

    Attributes:
        name: the stem of its files.
        people: the pairs of its people, from left to right.
        background: the photo behind them.
        size: width and height in pixels.
        number: determines, together with the seed, everything that is drawn.
    """

    name: str
    people: tuple[Pair, ...]
    background: Path
    size: tuple[int, int]
    number: int


def usable_people(
    pairs: Sequence[Pair],
    options: SceneOptions,
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Pair], list[str]]:
    """Return the pairs whose person can be placed into a scene.

    People whom the upper edge or both sides of their photo cut are left out; of several people in a scene, also those
    whom one side cuts.

    Args:
        pairs: photos with mattes, or cut-outs.
        options: the choices for the scenes.
        workers: mattes read at the same time; None: one per core.
        progress: called with the mattes read and their total.

    Returns:
        Those pairs, and one line for each matte that cannot be read or that shows nobody.
    """
    several = options.people[1] > 1
    usable: set[Pair] = set()

    def measure(pair: Pair) -> None:
        alpha = pair.read_matte()
        person_box(alpha, pair.matte)
        if Cuts.of(pair, alpha).fits(several):
            usable.add(pair)

    bad = bad_files(pairs, measure, workers=workers, progress=progress)
    return [pair for pair in pairs if pair in usable], list(bad.values())


def images_of(plan: ScenePlan) -> tuple[Sequence[Pair], Sequence[Path]]:
    """Return the people and the background of a scene."""
    return plan.people, [plan.background]


def plan_scenes(
    people: Sequence[Pair], backgrounds: Sequence[Path], count: int | None, seed: int, options: SceneOptions
) -> list[ScenePlan]:
    """Distribute people and backgrounds over scenes; nobody appears twice before everybody appeared.

    Args:
        people: from `usable_people`, at least one.
        backgrounds: photos without people, at least one.
        count: number of scenes; None: as many as there are people.
        seed: of everything that is drawn, at least 0.
        options: the choices for the scenes.

    Raises:
        SceneError: there are no people, no backgrounds or no scenes to make.
    """
    count = len(people) if count is None else count
    if not people or not backgrounds or count < 1:
        raise SceneError(f"{len(people)} people, {len(backgrounds)} backgrounds, {count} scenes: give at least one")
    random = np.random.default_rng([_SCENE, seed])
    least, most = options.people
    groups = [int(random.integers(least, most + 1)) for _ in range(count)]
    places = iter(_deal(len(people), sum(groups), random))
    scenes = _deal(len(backgrounds), count, random)
    return [
        ScenePlan(
            f"{number:04}",
            tuple(people[next(places)] for _ in range(group)),
            backgrounds[scene],
            options.sizes[number % len(options.sizes)],
            number,
        )
        for number, (group, scene) in enumerate(zip(groups, scenes, strict=True))
    ]


def make_scene(plan: ScenePlan, seed: int, heights: tuple[float, float]) -> Scene:
    """Make one scene.

    Args:
        plan: from `plan_scenes`.
        seed: the one that `plan_scenes` received.
        heights: see `SceneOptions`.

    Raises:
        PhotoError, PairError: an image cannot be used; the message names it.
    """
    random = np.random.default_rng([_SCENE, seed, plan.number])
    width, height = plan.size
    scene = Scene(plan.background, height, width, random)
    several = len(plan.people) > 1
    base = scene.height * random.uniform(*heights)
    ground = random.uniform(0.85, 1.0)  # where whole people stand, relative to the frame's height
    for number, pair in enumerate(plan.people):
        factor = random.uniform(1 - _VARIATION, 1 + _VARIATION) if several else 1.0
        if several:
            centre = (number + 0.5) / len(plan.people) + random.normal(0, _DEVIATION)
        else:
            centre = random.uniform(0.25, 0.75)
        _place(scene, pair, max(2, round(base * factor)), centre, ground, random)
    return scene


def _place(scene: Scene, pair: Pair, tall: int, centre: float, ground: float, random: np.random.Generator) -> None:
    """Add a person `tall` pixels high; edges that cut the person lie at the edges of the frame."""
    if pair.is_cutout:
        person = read_cutout(pair.photo)
        cuts = Cuts.of(pair, pair.read_matte())
    else:
        whole = read_person(pair)
        cuts = Cuts.of(pair, whole[..., 3])
        person = crop_person(whole, pair.matte)
        if not cuts.bottom:
            person = person[person_box(person[..., 3], pair.matte)]
    width = person.shape[1] * tall / person.shape[0]
    if tall > scene.height:
        top = round(scene.height * random.uniform(0.05, 0.25))
    elif cuts.bottom:
        top = scene.height - tall
    else:
        top = max(0, round(scene.height * ground) - tall)
    if cuts.left or cuts.right:
        scene.add(person, tall, 0 if cuts.left else round(scene.width - width), top, mirrored=False)
    else:
        scene.add(person, tall, round(scene.width * centre - width / 2), top)


def write_scenes(
    plans: Sequence[ScenePlan],
    out: Path,
    *,
    seed: int,
    heights: tuple[float, float],
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    replace: bool = True,
) -> None:
    """Write OUT/image/0000.jpg, OUT/mask/0000.png and so on, and OUT/scenes.json; all of it or nothing.

    Args:
        plans: from `plan_scenes`.
        out: a folder.
        seed, heights: as for `make_scene`.
        workers: scenes made at the same time; None: one per core.
        progress: called with the scenes written and their total.
        replace: whether a folder of that name is replaced.

    Raises:
        PhotoError, PairError: an image cannot be used; the message names it.
        OutputError: a file cannot be written; nothing is left behind.
    """
    with atomic_folder(out, replace=replace) as folder, ThreadPoolExecutor(workers) as pool:
        for part in (IMAGE, MASK):
            make_folder(folder / part)

        def write(plan: ScenePlan) -> None:
            make_scene(plan, seed, heights).save(folder, plan.name)

        for done, _ in enumerate(pool.map(write, plans), start=1):
            progress(done, len(plans))
        about = {"format": FORMAT, "seed": seed, "heights": list(heights), "scenes": [_entry(plan) for plan in plans]}
        (folder / ABOUT).write_text(json_text(about) + "\n", encoding="utf-8")


def _entry(plan: ScenePlan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "people": [pair.photo.name for pair in plan.people],
        "background": plan.background.name,
        "size": list(plan.size),
    }


def _deal(total: int, count: int, random: np.random.Generator) -> list[int]:
    rounds = [random.permutation(total) for _ in range(-(-count // total))]
    return [int(index) for index in np.concatenate(rounds)[:count]]
