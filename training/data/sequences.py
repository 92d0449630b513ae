"""Sequences with known mattes: people cut out of portraits, moved in front of moving scenes, filmed by a poor camera.

The noise, the compression and the automatic exposure of a real camera change from frame to frame, and with them the
alpha that a network computes from one frame at a time, even where nothing moves. Everything follows from the seed and
the number of the sequence: the same arguments give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.evaluation.datasets.pairs import IMAGE, MASK
from mmnet.evaluation.datasets.sequences import ABOUT
from mmnet.files import atomic_folder, make_folder
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.writing import write_image
from mmnet.text import json_text
from mmnet.training.augment import cut_edges
from mmnet.training.data.layouts import DataError, Pair
from mmnet.training.data.motion import MOTIONS, Matrix, Trajectory, placement
from mmnet.training.data.packs import foreground_of

FORMAT = "mmnet-sequences/1"
# First word of the seeds, so that no other use of chance in this package shares a seed.
_SEQUENCE = 11
HEIGHTS = (0.85, 1.1)  # of the person's photo, relative to the frame's
_MOMENTS = 4  # rendered and averaged per exposure


class SequenceError(DataError):
    """The arguments describe no sequences that can be rendered."""


@dataclass(frozen=True)
class Camera:
    """The faults of a camera, which change every frame. `draw_camera` draws them for each sequence.

    Attributes:
        noise: standard deviation of the sensor's noise, of 255.
        quality: of JPEG compression, 1-100; None: no compression.
        flicker: standard deviation of the exposure's gain.
    """

    noise: float = 0.0
    quality: int | None = None
    flicker: float = 0.0


@dataclass(frozen=True)
class SequencePlan:
    """A sequence to render.

    Attributes:
        name: name of its folder.
        pair: the portrait of the person.
        background: the scene's photo; None: a smooth gradient of colours.
        motion: a key of `MOTIONS`.
        number: determines, together with the seed, everything that is drawn.
    """

    name: str
    pair: Pair
    background: Path | None
    motion: str
    number: int


def parse_size(text: str) -> tuple[int, int]:
    """Parse `640x360` into width and height.

    Raises:
        SequenceError: the text has another form, or a side is not in 16-8192.
    """
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isascii() and side.isdecimal() and 16 <= int(side) <= 8192 for side in sides):
        raise SequenceError(f"{text!r} is not a size; write for example 640x360, with sides from 16 to 8192")
    return int(sides[0]), int(sides[1])


def plan_sequences(
    pairs: Sequence[Pair], backgrounds: Sequence[Path], motions: Sequence[str], count: int, seed: int
) -> list[SequencePlan]:
    """Distribute people, scenes and motions over `count` sequences; nobody appears twice before everybody appeared.

    Args:
        pairs: portraits, at least one.
        backgrounds: photos without people; there may be none.
        motions: keys of `MOTIONS`, taken in turn.
        count: number of sequences, at least 1.
        seed: of everything that is drawn, at least 0.

    Raises:
        SequenceError: a motion is unknown, or there is nothing to render.
    """
    for motion in motions:
        if motion not in MOTIONS:
            raise SequenceError(f"unknown motion {motion!r}; choose among {', '.join(MOTIONS)}")
    if not pairs or not motions or count < 1:
        raise SequenceError(f"{len(pairs)} portraits, {len(motions)} motions, {count} sequences: give at least one")
    random = np.random.default_rng([_SEQUENCE, seed])
    people, scenes = (_deal(len(some), count, random) if some else [] for some in (pairs, backgrounds))
    plans = []
    for number in range(count):
        motion, pair = motions[number % len(motions)], pairs[people[number]]
        scene = backgrounds[scenes[number]] if scenes else None
        plans.append(SequencePlan(f"{number:03}-{motion}", pair, scene, motion, number))
    return plans


def images_of(plan: SequencePlan) -> tuple[Sequence[Pair], Sequence[Path]]:
    """Return the portrait of a sequence, and its background if it has one."""
    return [plan.pair], [] if plan.background is None else [plan.background]


def _deal(total: int, count: int, random: np.random.Generator) -> list[int]:
    rounds = [random.permutation(total) for _ in range(-(-count // total))]
    return [int(index) for index in np.concatenate(rounds)[:count]]


def draw_camera(random: np.random.Generator) -> Camera:
    """Draw a camera: two of three are noisy, two of three compress, one of two has a varying exposure."""
    noisy, compresses, flickers = random.random(3) < (2 / 3, 2 / 3, 1 / 2)
    noise, quality, flicker = random.uniform(1.5, 9), random.uniform(35, 90), random.uniform(0.01, 0.04)
    return Camera(noise if noisy else 0.0, round(quality) if compresses else None, flicker if flickers else 0.0)


def render_frames(
    plan: SequencePlan,
    length: int,
    size: tuple[int, int],
    seed: int,
    *,
    heights: tuple[float, float] = HEIGHTS,
    clean: bool = False,
) -> Iterator[tuple[U8Array, U8Array]]:
    """Render one sequence.

    Args:
        plan: what to render.
        length: number of frames, at least 2.
        size: width and height in pixels.
        seed: the one that `plan_sequences` received.
        heights: the smallest and the largest height of the person's photo, relative to the frame's.
        clean: whether to leave out noise, compression and flicker.

    Yields:
        The frame, uint8 [H, W, 3], RGB, and its matte, uint8 [H, W].

    Raises:
        PhotoError, PairError: an image cannot be used; the message names it.
    """
    random = np.random.default_rng([_SEQUENCE, seed, plan.number])
    scene = _Scene(plan, length, size, heights, random)
    camera = Camera() if clean else draw_camera(random)
    for index in range(length):
        frame, matte = scene.at(index - (length - 1) / 2)
        yield _degrade(frame, camera, np.random.default_rng([_SEQUENCE, seed, plan.number, index])), matte


def write_sequences(
    plans: Sequence[SequencePlan],
    out: Path,
    *,
    length: int,
    size: tuple[int, int],
    seed: int,
    heights: tuple[float, float] = HEIGHTS,
    clean: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    replace: bool = True,
) -> None:
    """Write OUT/NAME/image/0000.png, OUT/NAME/mask/0000.png and so on, and OUT/sequences.json; all of it or nothing.

    Args:
        plans: from `plan_sequences`.
        out, replace: a folder, and whether one of that name is replaced.
        length, size, seed, heights, clean: as for `render_frames`.
        workers: sequences rendered at the same time; None: one per core.
        progress: called with the frames written and their total, from several threads.

    Raises:
        PhotoError, PairError: an image cannot be used; the message names it.
        OutputError: a file could not be written; nothing is left behind.
    """
    total, done = len(plans) * length, 0
    with atomic_folder(out, replace=replace) as folder, ThreadPoolExecutor(workers) as pool:

        def write(plan: SequencePlan) -> None:
            nonlocal done
            for part in (IMAGE, MASK):
                make_folder(folder / plan.name / part)
            for index, images in enumerate(render_frames(plan, length, size, seed, heights=heights, clean=clean)):
                for part, image in zip((IMAGE, MASK), images, strict=True):
                    write_image(folder / plan.name / part / f"{index:04}.png", image)
                done += 1
                progress(done, total)

        for _ in pool.map(write, plans):
            pass
        about: dict[str, Any] = {"format": FORMAT, "seed": seed, "clean": clean, "frames": length, "size": list(size)}
        if heights != HEIGHTS:
            about["heights"] = list(heights)
        entries = [_entry(plan) for plan in plans]
        text = json_text(about | {"sequences": entries})
        (folder / ABOUT).write_text(text + "\n", encoding="utf-8")


def _entry(plan: SequencePlan) -> dict[str, Any]:
    scene = None if plan.background is None else plan.background.name
    return {"name": plan.name, "portrait": plan.pair.photo.name, "background": scene, "motion": plan.motion}


class _Scene:
    """A person in front of a background, to be rendered at any time."""

    def __init__(
        self,
        plan: SequencePlan,
        length: int,
        size: tuple[int, int],
        heights: tuple[float, float],
        random: np.random.Generator,
    ) -> None:
        motion = MOTIONS[plan.motion]
        self._size, self._exposure = size, motion.exposure
        self._unit = min(size) / 256
        self._person, self._scene, self._camera = (
            Trajectory(movement, random) for movement in (motion.person, motion.scene, motion.camera)
        )
        photo, self._alpha = plan.pair.read()
        self._held = cut_edges(self._alpha)
        self._foreground = foreground_of(photo, self._alpha, plan.pair.is_cutout)
        times = [time + part for time in _times(length) for part in (-motion.exposure / 2, motion.exposure / 2)]
        self._rest = self._place_person(times, heights, random)
        background = _plain(random) if plan.background is None else read_photo(plan.background)
        self._background, self._background_rest = self._place_scene(background, times, random)

    def at(self, time: float) -> tuple[U8Array, U8Array]:
        """Render the frame at a time and its matte, each the mean over the exposure."""
        moments = np.linspace(-0.5, 0.5, _MOMENTS) * self._exposure if self._exposure else np.zeros(1)
        layers = [self._moment(time + float(moment)) for moment in moments]
        frame, matte = (_to_bytes(np.mean(np.stack(layer), axis=0)) for layer in zip(*layers, strict=True))
        return frame, matte

    def _moment(self, time: float) -> tuple[F32Array, F32Array]:
        camera = self._matrix(self._camera, time)
        breath = self._person.at(time)["breath"]
        grid = self._grid(camera @ self._matrix(self._person, time) @ self._rest)
        grid = _widen_chest(grid, breath, self._alpha)
        alpha = cv2.remap(self._alpha, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101).astype(np.float32)
        alpha *= self._inside(grid)
        foreground = cv2.remap(self._foreground, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        grid = self._grid(camera @ self._matrix(self._scene, time) @ self._background_rest)
        background = cv2.remap(self._background, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        opacity = alpha[..., None] / np.float32(255)
        return opacity * foreground + (1 - opacity) * background, alpha

    def _matrix(self, trajectory: Trajectory, time: float) -> Matrix:
        width, height = self._size
        return placement(trajectory.at(time), self._unit, (width / 2, height / 2))

    def _grid(self, matrix: Matrix) -> tuple[F32Array, F32Array]:
        """Return the position in the layer's image of each pixel of the frame: x and y, each float32 [H, W]."""
        width, height = self._size
        back = np.linalg.inv(matrix)
        x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
        across, down = (back[row, 0] * x + back[row, 1] * y + back[row, 2] - 0.5 for row in (0, 1))
        return across.astype(np.float32), down.astype(np.float32)

    def _inside(self, grid: tuple[F32Array, F32Array]) -> F32Array:
        """Return 1 inside the photo and beyond its edges that cut the person, else 0, antialiased: float32 [H, W]."""
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

    def _place_person(
        self, times: Sequence[float], heights: tuple[float, float], random: np.random.Generator
    ) -> Matrix:
        """Draw the map from the photo's pixels to the frame's, at rest, that keeps cut edges outside of the frame."""
        width, height = self._size
        photo_height, photo_width = self._alpha.shape
        left, top, right, bottom = self._held
        aside, down = self._reach(self._person, times)
        scale = height / photo_height * random.uniform(*heights)
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
        """Return the background, made smaller if it is large, and its map to the frame, which it always fills."""
        width, height = self._size
        aside, down = self._reach(self._scene, times)
        wide, high = width + 2 * aside, height + 2 * down
        while min(photo.shape[1] / wide, photo.shape[0] / high) >= 2:
            photo = np.asarray(cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        scale = max(wide / photo.shape[1], high / photo.shape[0]) * random.uniform(1, 1.3)
        spare = photo.shape[1] * scale - wide, photo.shape[0] * scale - high
        x, y = (-reach - rest * random.random() for reach, rest in zip((aside, down), spare, strict=True))
        return photo, np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]])

    def _reach(self, trajectory: Trajectory, times: Sequence[float]) -> tuple[float, float]:
        """Return how far trajectory and camera move the frame's corners at most, in pixels, across and down."""
        width, height = self._size
        corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float64).T
        farthest = np.zeros(2)
        for time in times:
            whole = self._matrix(self._camera, time) @ self._matrix(trajectory, time)
            farthest = np.maximum(farthest, np.abs((whole @ corners - corners)[:2]).max(axis=1))
        return float(farthest[0]), float(farthest[1])


def _times(length: int) -> list[float]:
    return [index - (length - 1) / 2 for index in range(length)]


def _along(frame: float, photo: float, reach: float, low_held: bool, high_held: bool, shift: float) -> float:
    """Return the position at which the photo begins along one axis of the frame, in pixels."""
    if low_held and high_held:
        return (frame - photo) / 2
    if low_held:
        return min(-reach, 0.0)
    if high_held:
        return frame + reach - photo
    return (frame - photo) / 2 + shift


def _widen_chest(grid: tuple[F32Array, F32Array], breath: float, alpha: U8Array) -> tuple[F32Array, F32Array]:
    """Return the grid with the chest widened by `breath` around its middle, less with growing distance."""
    if not breath:
        return grid
    height, width = alpha.shape
    middle, spread = (width / 2, height * 0.8), max(height, width) * 0.35
    away = [coordinate - np.float32(at) for coordinate, at in zip(grid, middle, strict=True)]
    weight = np.exp(-(away[0] ** 2 + away[1] ** 2) / np.float32(2 * spread**2)) * np.float32(breath)
    across, down = (coordinate - part * weight for coordinate, part in zip(grid, away, strict=True))
    return across, down


def _degrade(frame: U8Array, camera: Camera, random: np.random.Generator) -> U8Array:
    """Apply the camera's exposure, noise and compression to one frame."""
    gain, noise = random.normal(0, 1), random.normal(0, 1, frame.shape) if camera.noise else 0.0
    if camera.noise or camera.flicker:
        values = frame * (1 + camera.flicker * gain) + camera.noise * noise
        frame = _to_bytes(values.astype(np.float32))
    if camera.quality is None:
        return frame
    coded = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, camera.quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB), np.uint8)


def _plain(random: np.random.Generator) -> U8Array:
    """Draw a wall, a smooth gradient of a few colours: uint8 [256, 256, 3]."""
    colours = random.uniform(30, 225, 3) + random.normal(0, 25, (4, 4, 3))
    return np.asarray(cv2.resize(_to_bytes(colours.astype(np.float32)), (256, 256), interpolation=cv2.INTER_CUBIC))


def _to_bytes(values: AnyArray) -> U8Array:
    return np.asarray(np.rint(values).clip(0, 255), np.uint8)
