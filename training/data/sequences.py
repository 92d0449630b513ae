"""Sequences whose every matte is known: people cut out of photos, moved before moving scenes, and filmed badly.

A real camera's noise, compression and automatic exposure change from frame to frame, and so does what a network that
sees one frame at a time makes of an edge that stands still. Everything follows from the seed and the number of the
sequence: the same arguments give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.files import atomic_folder, make_folder
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.writing import write_image
from mmnet.training.augment import cut_edges
from mmnet.training.data.layouts import DataError, Pair, read_pair
from mmnet.training.data.motion import MOTIONS, Course, Matrix, placement
from mmnet.training.data.packs import own_colours

IMAGE, MASK, ABOUT = "image", "mask", "sequences.json"
FORMAT = "mmnet-sequences/1"
# First word of the seeds, so that no other use of chance in this package shares one.
_SEQUENCE = 11
_MOMENTS = 4  # within an exposure


class SequenceError(DataError):
    """Sequences cannot be made as asked."""


@dataclass(frozen=True)
class Camera:
    """What a camera adds to an image, every frame anew. Drawn for each sequence by `draw_camera`.

    Attributes:
        noise: standard deviation of the sensor's noise, of 255.
        quality: of JPEG compression, 1-100; None: not compressed.
        flicker: standard deviation of the exposure's gain.
    """

    noise: float = 0.0
    quality: int | None = None
    flicker: float = 0.0


@dataclass(frozen=True)
class Plan:
    """One sequence to be made.

    Attributes:
        name: of its folder.
        pair: the person.
        background: the scene's photo; None: a smooth play of colours.
        motion: a key of `MOTIONS`.
        number: with the seed, what everything in it is drawn from.
    """

    name: str
    pair: Pair
    background: Path | None
    motion: str
    number: int


def parse_size(text: str) -> tuple[int, int]:
    """`640x360` → width and height.

    Raises:
        SequenceError: it is no such thing, or a side is not in 16-8192.
    """
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isascii() and side.isdecimal() and 16 <= int(side) <= 8192 for side in sides):
        raise SequenceError(f"--size {text}: is no size; write for example 640x360, sides from 16 to 8192")
    return int(sides[0]), int(sides[1])


def plan_sequences(
    pairs: Sequence[Pair], backgrounds: Sequence[Path], motions: Sequence[str], count: int, seed: int
) -> list[Plan]:
    """Deal people, scenes and motions out to `count` sequences; nobody comes twice before everybody came once.

    Args:
        pairs: at least one.
        backgrounds: photos without people, perhaps none.
        motions: keys of `MOTIONS`, taken in turn.
        count: >= 1.
        seed: >= 0.

    Raises:
        SequenceError: an unknown motion, or nothing to make.
    """
    for motion in motions:
        if motion not in MOTIONS:
            raise SequenceError(f"motion {motion!r} is unknown; choose of {', '.join(MOTIONS)}")
    if not pairs or not motions or count < 1:
        raise SequenceError(f"{len(pairs)} portraits, {len(motions)} motions, {count} sequences: give at least one")
    random = np.random.default_rng([_SEQUENCE, seed])
    people, scenes = (_dealt(len(some), count, random) if some else [] for some in (pairs, backgrounds))
    plans = []
    for number in range(count):
        motion, pair = motions[number % len(motions)], pairs[people[number]]
        scene = backgrounds[scenes[number]] if scenes else None
        plans.append(Plan(f"{number:03}-{motion}", pair, scene, motion, number))
    return plans


def _dealt(total: int, count: int, random: np.random.Generator) -> list[int]:
    rounds = [random.permutation(total) for _ in range(-(-count // total))]
    return [int(index) for index in np.concatenate(rounds)[:count]]


def draw_camera(random: np.random.Generator) -> Camera:
    """A camera: two of three are noisy, two of three compress, one of two has an unsteady exposure."""
    noisy, compresses, flickers = random.random(3) < (2 / 3, 2 / 3, 1 / 2)
    noise, quality, flicker = random.uniform(1.5, 9), random.uniform(35, 90), random.uniform(0.01, 0.04)
    return Camera(noise if noisy else 0.0, round(quality) if compresses else None, flicker if flickers else 0.0)


def frames_of(
    plan: Plan, length: int, size: tuple[int, int], seed: int, *, clean: bool = False
) -> Iterator[tuple[U8Array, U8Array]]:
    """Make one sequence.

    Args:
        plan: which.
        length: frames, >= 2.
        size: width and height in pixels.
        seed: as `plan_sequences` was given.
        clean: leave noise, compression and flicker out.

    Yields:
        uint8 [H, W, 3], RGB, and its matte, uint8 [H, W].

    Raises:
        PhotoError, PairError: an image cannot be used; the message names it.
    """
    random = np.random.default_rng([_SEQUENCE, seed, plan.number])
    scene = _Scene(plan, length, size, random)
    camera = Camera() if clean else draw_camera(random)
    for index in range(length):
        frame, matte = scene.at(index - (length - 1) / 2)
        yield _filmed(frame, camera, np.random.default_rng([_SEQUENCE, seed, plan.number, index])), matte


def write_sequences(
    plans: Sequence[Plan],
    out: Path,
    *,
    length: int,
    size: tuple[int, int],
    seed: int,
    clean: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write OUT/NAME/image/0000.png, OUT/NAME/mask/0000.png and so on, and OUT/sequences.json; all or nothing.

    Args:
        plans: of `plan_sequences`.
        out: a folder, replaced if it is there.
        length, size, seed, clean: as `frames_of`.
        workers: sequences at a time; None: one a core.
        progress: called with the frames written and their total.

    Raises:
        PhotoError, PairError: an image cannot be used; the message names it.
        OutputError: the file system refused; nothing is left behind.
    """
    total, done = len(plans) * length, 0
    with atomic_folder(out) as folder, ThreadPoolExecutor(workers) as pool:

        def write(plan: Plan) -> None:
            nonlocal done
            for part in (IMAGE, MASK):
                make_folder(folder / plan.name / part)
            for index, images in enumerate(frames_of(plan, length, size, seed, clean=clean)):
                for part, image in zip((IMAGE, MASK), images, strict=True):
                    write_image(folder / plan.name / part / f"{index:04}.png", image)
                done += 1
                progress(done, total)

        for _ in pool.map(write, plans):
            pass
        about = {"format": FORMAT, "seed": seed, "clean": clean, "frames": length, "size": list(size)}
        entries = [_about(plan) for plan in plans]
        text = json.dumps(about | {"sequences": entries}, indent=1, ensure_ascii=False)
        (folder / ABOUT).write_text(text + "\n", encoding="utf-8")


def _about(plan: Plan) -> dict[str, Any]:
    scene = None if plan.background is None else plan.background.name
    return {"name": plan.name, "portrait": plan.pair.photo.name, "background": scene, "motion": plan.motion}


class _Scene:
    """A person before a scene, both where they are at any time."""

    def __init__(self, plan: Plan, length: int, size: tuple[int, int], random: np.random.Generator) -> None:
        motion = MOTIONS[plan.motion]
        self._size, self._exposure = size, motion.exposure
        self._unit = min(size) / 256
        self._person, self._scene, self._camera = (
            Course(layer, random) for layer in (motion.person, motion.scene, motion.camera)
        )
        photo, self._alpha = read_pair(plan.pair)
        self._colours = own_colours(photo, self._alpha, plan.pair.is_cutout)
        times = [time + part for time in _times(length) for part in (-motion.exposure / 2, motion.exposure / 2)]
        self._rest = self._place_person(times, random)
        behind = _plain(random) if plan.background is None else read_photo(plan.background)
        self._behind, self._behind_rest = self._place_scene(behind, times, random)

    def at(self, time: float) -> tuple[U8Array, U8Array]:
        """The frame around a time and its matte: the mean over the exposure."""
        moments = np.linspace(-0.5, 0.5, _MOMENTS) * self._exposure if self._exposure else np.zeros(1)
        layers = [self._moment(time + float(moment)) for moment in moments]
        frame, matte = (_to_bytes(np.mean(np.stack(layer), axis=0)) for layer in zip(*layers, strict=True))
        return frame, matte

    def _moment(self, time: float) -> tuple[F32Array, F32Array]:
        camera = self._matrix(self._camera, time)
        breath = self._person.at(time)["breath"]
        grid = self._grid(camera @ self._matrix(self._person, time) @ self._rest)
        grid = _breathing(grid, breath, self._alpha)
        alpha = cv2.remap(self._alpha, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101).astype(np.float32)
        alpha *= self._inside(grid)
        person = cv2.remap(self._colours, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        grid = self._grid(camera @ self._matrix(self._scene, time) @ self._behind_rest)
        behind = cv2.remap(self._behind, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        share = alpha[..., None] / np.float32(255)
        return share * person + (1 - share) * behind, alpha

    def _matrix(self, course: Course, time: float) -> Matrix:
        width, height = self._size
        return placement(course.at(time), self._unit, (width / 2, height / 2))

    def _grid(self, matrix: Matrix) -> tuple[F32Array, F32Array]:
        """Where in the layer's image each pixel of the frame lies: x and y, float32 [H, W]."""
        width, height = self._size
        back = np.linalg.inv(matrix)
        x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
        across, down = (back[row, 0] * x + back[row, 1] * y + back[row, 2] - 0.5 for row in (0, 1))
        return across.astype(np.float32), down.astype(np.float32)

    def _inside(self, grid: tuple[F32Array, F32Array]) -> F32Array:
        """1 where the photo shows the person or goes on beyond an edge that cuts it, else 0, softly: float32 [H, W]."""
        height, width = self._alpha.shape
        left, top, right, bottom = self._held
        inside = np.ones(grid[0].shape, np.float32)
        for held, distance in (
            (left, grid[0] + 0.5),
            (top, grid[1] + 0.5),
            (right, width - 0.5 - grid[0]),
            (bottom, height - 0.5 - grid[1]),
        ):
            if not held:
                inside *= distance.clip(0, 1)
        return inside

    def _place_person(self, times: Sequence[float], random: np.random.Generator) -> Matrix:
        """From the photo's pixels to the frame's, at rest: edges that cut the person stay outside the frame."""
        width, height = self._size
        photo_height, photo_width = self._alpha.shape
        self._held = left, top, right, bottom = cut_edges(self._alpha)
        aside, down = self._reach(self._person, times, camera=True)
        scale = height / photo_height * random.uniform(0.85, 1.1)
        if left and right:
            scale = max(scale, (width + 2 * aside) / photo_width)
        if top and bottom:
            scale = max(scale, (height + 2 * down) / photo_height)
        x = _along(width, photo_width * scale, aside, left, right, random.uniform(-0.1, 0.1) * width)
        y = _along(height, photo_height * scale, down, top, bottom, 0)
        return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]])

    def _place_scene(
        self, photo: U8Array, times: Sequence[float], random: np.random.Generator
    ) -> tuple[U8Array, Matrix]:
        """The scene's photo, perhaps made smaller, and its place at rest: it fills the frame wherever it moves."""
        width, height = self._size
        aside, down = self._reach(self._scene, times, camera=True)
        wide, high = width + 2 * aside, height + 2 * down
        while min(photo.shape[1] / wide, photo.shape[0] / high) >= 2:
            photo = np.asarray(cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        scale = max(wide / photo.shape[1], high / photo.shape[0]) * random.uniform(1, 1.3)
        spare = photo.shape[1] * scale - wide, photo.shape[0] * scale - high
        x, y = (-reach - rest * random.random() for reach, rest in zip((aside, down), spare, strict=True))
        return photo, np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]])

    def _reach(self, course: Course, times: Sequence[float], *, camera: bool) -> tuple[float, float]:
        """How far the frame's corners are moved at most, in pixels, across and down."""
        width, height = self._size
        corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float64).T
        farthest = np.zeros(2)
        for time in times:
            whole = self._matrix(course, time)
            if camera:
                whole = self._matrix(self._camera, time) @ whole
            farthest = np.maximum(farthest, np.abs((whole @ corners - corners)[:2]).max(axis=1))
        return float(farthest[0]), float(farthest[1])


def _times(length: int) -> list[float]:
    return [index - (length - 1) / 2 for index in range(length)]


def _along(frame: float, photo: float, reach: float, low_held: bool, high_held: bool, shift: float) -> float:
    """Where the photo begins along one axis of the frame."""
    if low_held and high_held:
        return (frame - photo) / 2
    if low_held:
        return min(-reach, 0.0)
    if high_held:
        return frame + reach - photo
    return (frame - photo) / 2 + shift


def _breathing(grid: tuple[F32Array, F32Array], breath: float, alpha: U8Array) -> tuple[F32Array, F32Array]:
    """The grid with the chest widened by `breath` around its middle, less the farther away."""
    if not breath:
        return grid
    height, width = alpha.shape
    middle, spread = (width / 2, height * 0.8), max(height, width) * 0.35
    away = [coordinate - np.float32(at) for coordinate, at in zip(grid, middle, strict=True)]
    weight = np.exp(-(away[0] ** 2 + away[1] ** 2) / np.float32(2 * spread**2)) * np.float32(breath)
    across, down = (coordinate - part * weight for coordinate, part in zip(grid, away, strict=True))
    return across, down


def _filmed(frame: U8Array, camera: Camera, random: np.random.Generator) -> U8Array:
    """Exposure, noise, compression: what the camera adds to one frame."""
    gain, noise = random.normal(0, 1), random.normal(0, 1, frame.shape) if camera.noise else 0.0
    if camera.noise or camera.flicker:
        values = frame * (1 + camera.flicker * gain) + camera.noise * noise
        frame = _to_bytes(values.astype(np.float32))
    if camera.quality is None:
        return frame
    coded = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, camera.quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB), np.uint8)


def _plain(random: np.random.Generator) -> U8Array:
    """A wall: a smooth play of a few colours, uint8 [256, 256, 3]."""
    colours = random.uniform(30, 225, 3) + random.normal(0, 25, (4, 4, 3))
    return np.asarray(cv2.resize(_to_bytes(colours.astype(np.float32)), (256, 256), interpolation=cv2.INTER_CUBIC))


def _to_bytes(values: AnyArray) -> U8Array:
    return np.asarray(np.rint(values).clip(0, 255), np.uint8)
