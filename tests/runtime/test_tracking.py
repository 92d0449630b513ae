"""The crop that follows people through a video (preprocessing.md, section 8)."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tracking
from hypothesis import given, settings
from hypothesis import strategies as st
from support import PATIENCE

from mmnet.arrays import U8Array
from mmnet.runtime import MattingModel, PortraitMatter, Rectangle
from mmnet.runtime.imaging.resampling import resample
from mmnet.runtime.imaging.tracking import LOOK, CropTracker

SIZE, HEIGHT, WIDTH = 32, 180, 320


def film(people: list[tuple[int, int, int, int]], height: int = HEIGHT, width: int = WIDTH) -> U8Array:
    """A frame's true alpha, uint8 [H, W]: people as rectangles of top, left, height, width."""
    alpha = np.zeros((height, width), np.uint8)
    for top, left, rows, columns in people:
        alpha[max(0, top) : max(0, top + rows), max(0, left) : max(0, left + columns)] = 255
    return alpha


def followed(frames: list[U8Array]) -> list[tuple[list[Rectangle], bool]]:
    """What a tracker sees of each frame, with a perfect network; and whether it jumped."""
    tracker, seen = CropTracker(), []
    for frame in frames:
        passes: list[Rectangle] = []

        def compute(crop: Rectangle, frame: U8Array = frame, passes: list[Rectangle] = passes) -> U8Array:
            passes.append(crop)
            return resample(np.ascontiguousarray(frame[crop.slices]), SIZE, SIZE)

        last, _ = tracker.follow(*frame.shape, compute)
        assert last == passes[-1]
        seen.append((passes, tracker.jumped))
    return seen


def scenario(seed: int) -> list[U8Array]:
    """A film in which people walk, come, go, and the frame's size may change."""
    random = np.random.default_rng(seed)
    height, width = random.integers(40, 200, 2).tolist()
    people = [random.integers(-20, 200, 2).tolist() + random.integers(5, 120, 2).tolist() for _ in range(3)]
    steps = random.integers(-9, 10, (3, 4)) * random.integers(0, 2, (3, 1))
    frames = []
    for number in range(45):
        if random.random() < 0.03:
            height, width = random.integers(40, 200, 2).tolist()
        shown = [person for person, start in zip(people, (0, 12, 35), strict=True) if number >= start or seed % 2]
        if seed % 5 == 0 and 15 < number < 20:
            shown = []
        frames.append(film([tuple(map(int, person)) for person in shown], height, width))
        people = [
            [a + b for a, b in zip(person, step, strict=True)] for person, step in zip(people, steps, strict=True)
        ]
        people = [[top, left, max(1, rows), max(1, columns)] for top, left, rows, columns in people]
    return frames


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_the_crops_are_those_of_the_specification(seed: int) -> None:
    frames = scenario(seed)

    def compute(index: int, crop: Rectangle) -> U8Array:
        return resample(np.ascontiguousarray(frames[index][crop.slices]), SIZE, SIZE)

    assert followed(frames) == tracking.follow([frame.shape for frame in frames], compute)


def test_most_frames_need_one_pass() -> None:
    passes = [len(seen) for seen, _ in followed([film([(60, 100 + number, 80, 40)]) for number in range(61)])]
    assert [number for number, count in enumerate(passes) if count == 2] == [0, LOOK, 2 * LOOK]


def test_a_person_who_stays_keeps_the_crop_to_the_pixel() -> None:
    jitter = np.random.default_rng(0).integers(-1, 2, (60, 4))
    frames = [film([(60 + a, 100 + b, 80 + c, 40 + d)]) for a, b, c, d in jitter.tolist()]
    crops = {seen[-1] for seen, _ in followed(frames)[10:]}
    assert len(crops) == 1


def test_a_walking_person_stays_inside_the_crop() -> None:
    frames = [film([(60, 10 + 5 * number, 80, 40)]) for number in range(50)]
    for number, (seen, jumped) in enumerate(followed(frames)):
        crop = seen[-1]
        assert crop.left <= 10 + 5 * number
        assert crop.left + crop.width >= min(WIDTH, 50 + 5 * number)
        assert crop.width < 120
        assert not jumped


def test_a_new_person_is_seen_at_the_next_look() -> None:
    frames = [film([(60, 30, 80, 40)] + [(60, 240, 80, 40)] * (number >= 5)) for number in range(40)]
    seen = followed(frames)
    assert seen[LOOK - 1][0][-1].width < 120
    assert seen[LOOK][0][-1].width > 240
    assert seen[LOOK][1], "the crop jumped: a smoothing begins again"


def test_where_everybody_is_lost_the_whole_frame_is_seen_next() -> None:
    frames = [film([(60, 30, 80, 40)])] * 3 + [film([])] * 4 + [film([(60, 240, 80, 40)])] * 3
    seen = [crops for crops, _ in followed(frames)]
    whole = Rectangle(0, 0, HEIGHT, WIDTH)
    assert [len(crops) for crops in seen] == [2, 1, 1, 1, 1, 1, 1, 2, 1, 1]
    assert seen[3] == seen[2]
    assert seen[4] == seen[5] == seen[6] == [whole]
    assert seen[7][0] == whole
    assert seen[7][1].left > 200


def test_a_person_at_the_border_of_the_crop_brings_the_whole_frame_back() -> None:
    frames = [film([(60, 30, 80, 40)])] * 12 + [film([(60, 30, 80, 200)])] * 2
    seen = [crops for crops, _ in followed(frames)]
    assert [len(crops) for crops in seen[9:]] == [1, 1, 1, 1, 2]


class Bright(MattingModel):
    """A model that finds everything brighter than the middle grey."""

    def run_raw(self, image: U8Array) -> U8Array:
        return np.where(image[..., 1] >= 128, np.uint8(255), np.uint8(0))


class Latest:
    """A smoothing that only counts."""

    def __init__(self) -> None:
        self.resets = 0

    def __call__(self, alpha: Any, frame: Any) -> Any:
        return alpha

    def reset(self) -> None:
        self.resets += 1


@pytest.fixture
def model(tiny_model: Path) -> Any:
    with Bright(tiny_model, threads=1) as model:
        yield model


WALK = [
    np.where(film([(60, 20 + 4 * number, 80, 40), *[(50, 250, 90, 45)] * (number > 10)])[..., None], 200, 30)
    .repeat(3, axis=2)
    .astype(np.uint8)
    for number in range(40)
]


def test_streams_are_videos_to_the_bit(model: MattingModel) -> None:
    with PortraitMatter(model) as matter:
        plain = [matter.video(frame, number) for number, frame in enumerate(WALK)]
        mattes = list(matter.stream((frame, number) for number, frame in enumerate(WALK)))
        matter.restart()
        again = [matter.video(frame, number) for number, frame in enumerate(WALK)]
    for alpha, matte, repeated in zip(plain, mattes, again, strict=True):
        np.testing.assert_array_equal(matte.alpha, alpha)
        np.testing.assert_array_equal(repeated, alpha)
    assert len({matte.seen for matte in mattes}) > 5
    np.testing.assert_array_equal(plain[0], matter(WALK[0]), "the first frame is matted as a photo")


def test_the_smoothing_begins_again_where_the_crop_jumps(model: MattingModel) -> None:
    made: list[Latest] = []

    def make() -> Latest:
        made.append(Latest())
        return made[-1]

    with PortraitMatter(model, smoothing=make) as matter:
        for number, frame in enumerate(WALK):
            matter.video(frame, number)
    assert made[0].resets == 1


def test_live_frames_are_followed(model: MattingModel) -> None:
    mattes, done = [], threading.Event()

    def show(matte: Any) -> None:
        mattes.append(matte)
        done.set()

    with PortraitMatter(model, on_matte=show) as matter:
        for number, frame in enumerate(WALK[:5]):
            done.clear()
            matter.live(frame, number)
            assert done.wait(PATIENCE)
    with PortraitMatter(model) as matter:
        for number, (frame, matte) in enumerate(zip(WALK, mattes, strict=False)):
            np.testing.assert_array_equal(matte.alpha, matter.video(frame, number))
