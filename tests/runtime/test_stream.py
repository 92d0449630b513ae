"""`PortraitMatter` over time: videos frame by frame, pipelined videos, and live streams."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from typing import Any

import numpy as np
import pytest
from support import PATIENCE
from video_files import moving_portrait

from mmnet.runtime import (
    ImageError,
    Matte,
    MattingModel,
    PortraitMatter,
    StreamError,
    TimestampError,
)
from mmnet.runtime.imaging.preprocess import to_model_input
from mmnet.runtime.model import default_model

pytestmark = pytest.mark.usefixtures("no_thread_stays")


@pytest.fixture(scope="module")
def model() -> Iterator[MattingModel]:
    with MattingModel(default_model(), threads=1) as model:
        yield model


class Fading:
    """A smoothing that averages with the matte before."""

    def __init__(self) -> None:
        self.before: Any = None
        self.resets = 0
        self.frames: list[Any] = []

    def __call__(self, alpha: Any, frame: Any) -> Any:
        self.frames.append(frame)
        self.before = alpha if self.before is None else (alpha + self.before) / np.float32(2)
        return self.before

    def reset(self) -> None:
        self.before = None
        self.resets += 1


FRAMES = moving_portrait(6)


def test_a_video_without_smoothing_is_its_photos(model: MattingModel) -> None:
    with PortraitMatter(model) as matter:
        for number, frame in enumerate(FRAMES):
            np.testing.assert_array_equal(matter.video(frame, 40 * number), matter(frame))


@pytest.mark.parametrize("smoothing", [None, Fading])
def test_pipelined_is_frame_by_frame_to_the_bit(model: MattingModel, smoothing: Any) -> None:
    with PortraitMatter(model, smoothing=smoothing) as matter:
        plain = [matter.video(frame, 40 * number) for number, frame in enumerate(FRAMES)]
        mattes = list(matter.stream((frame, Fraction(40 * number)) for number, frame in enumerate(FRAMES)))
    assert [matte.timestamp_ms for matte in mattes] == [0, 40, 80, 120, 160, 200]
    for matte, frame, alpha in zip(mattes, FRAMES, plain, strict=True):
        np.testing.assert_array_equal(matte.frame, frame)
        np.testing.assert_array_equal(matte.alpha, alpha)
    assert any((matte.alpha != matter_alpha).any() for matte, matter_alpha in zip(mattes, plain[1:], strict=False))


def test_smoothing_sees_the_models_input_and_forgets_where_the_size_changes(model: MattingModel) -> None:
    made: list[Fading] = []

    def make() -> Fading:
        made.append(Fading())
        return made[-1]

    other = moving_portrait(1, 80, 60)[0]
    with PortraitMatter(model, smoothing=make) as matter:
        for number, frame in enumerate((*FRAMES[:2], other, other)):
            alpha = matter.video(frame, number)
            assert alpha.shape == frame.shape[:2]
        fading = made[0]
        assert fading.resets == 1
        for frame, seen in zip((*FRAMES[:2], other, other), fading.frames, strict=True):
            np.testing.assert_array_equal(seen, to_model_input(frame, model.size))
        matter.restart()
        matter.video(FRAMES[0], 0)  # another video may begin at any time, and forgets the one before
        assert len(made) == 2
        assert len(made[1].frames) == 1
        np.testing.assert_array_equal(matter(FRAMES[0]), matter(FRAMES[0]))
        assert len(made[1].frames) == 1, "photos have no before"


@pytest.mark.parametrize("wrong", [50, 49.9, -1, Fraction(99, 2), float("nan"), float("inf")])
def test_timestamps_must_increase(model: MattingModel, wrong: Any) -> None:
    with PortraitMatter(model, on_matte=lambda matte: None) as matter:
        matter.video(FRAMES[0], 50)
        with pytest.raises(TimestampError, match="timestamp"):
            matter.video(FRAMES[1], wrong)
        matter.video(FRAMES[1], 50.1)  # the frame that was refused does not count

        matter.live(FRAMES[0], 50)
        with pytest.raises(TimestampError, match="timestamp"):
            matter.live(FRAMES[1], wrong)
        matter.live(FRAMES[1], 50.1)

        with pytest.raises(TimestampError, match="timestamp"):
            list(matter.stream([(FRAMES[0], 50), (FRAMES[1], wrong)]))


def test_a_bad_frame_is_named_and_does_not_count(model: MattingModel) -> None:
    with PortraitMatter(model, on_matte=lambda matte: None) as matter:
        for call in (matter.video, matter.live):
            with pytest.raises(ImageError):
                call(np.zeros((4, 4), np.uint8), 0)
            call(FRAMES[0], 0)
        good = []
        with pytest.raises(ImageError):  # noqa: PT012
            for matte in matter.stream([(FRAMES[0], 0), (np.zeros((4, 4), np.uint8), 1), (FRAMES[1], 2)]):
                good.append(matte)
        assert len(good) == 1


class Listener:
    """A callback that waits in its first call until it is released."""

    def __init__(self) -> None:
        self.got: list[Matte] = []
        self.busy, self.go = threading.Event(), threading.Event()

    def __call__(self, matte: Matte) -> None:
        self.got.append(matte)
        self.busy.set()
        assert self.go.wait(PATIENCE)


def test_the_newest_frame_wins_under_load(model: MattingModel) -> None:
    listener = Listener()
    with PortraitMatter(model, on_matte=listener) as matter:
        matter.live(FRAMES[0], 0)
        assert listener.busy.wait(PATIENCE)
        frame = FRAMES[1].copy()
        for time in range(1, 9):
            frame[...] = FRAMES[1]
            matter.live(frame, time)
            frame[...] = 0  # the camera's buffer is the camera's
        assert matter.dropped == 7
        listener.go.set()
    assert [matte.timestamp_ms for matte in listener.got] == [0, 8], "leaving waits for the frame that was taken"
    with PortraitMatter(model) as photos:
        for matte, frame in zip(listener.got, FRAMES, strict=False):
            np.testing.assert_array_equal(matte.frame, frame)
            np.testing.assert_array_equal(matte.alpha, photos(frame))


def test_an_unhurried_stream_drops_nothing(model: MattingModel) -> None:
    got, came = [], threading.Semaphore(0)

    def listen(matte: Matte) -> None:
        got.append(matte.timestamp_ms)
        came.release()

    with PortraitMatter(model, on_matte=listen) as matter:
        for time, frame in enumerate(FRAMES):
            matter.live(frame, time)
            assert came.acquire(timeout=PATIENCE)
        assert matter.dropped == 0
    assert got == list(range(6))


def test_what_the_callback_raises_surfaces_once(model: MattingModel) -> None:
    raised = threading.Event()

    def fail(matte: Matte) -> None:
        raised.set()
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"), PortraitMatter(model, on_matte=fail) as matter:
        matter.live(FRAMES[0], 0)

    matter = PortraitMatter(model, on_matte=fail)
    raised.clear()
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        matter.live(FRAMES[0], 0)
        assert raised.wait(PATIENCE)
        for time in count(1):  # until the other thread has noted what was raised
            matter.live(FRAMES[0], time)
    with pytest.raises(StreamError, match="closed"):
        matter.live(FRAMES[0], 2000)
    matter.close()
    matter.close()


def test_an_error_inside_the_context_is_not_hidden_by_the_callbacks(model: MattingModel) -> None:
    def fail(matte: Matte) -> None:
        raise ZeroDivisionError

    with pytest.raises(KeyError, match="first"), PortraitMatter(model, on_matte=fail) as matter:  # noqa: PT012
        matter.live(FRAMES[0], 0)
        raise KeyError("first")


def test_a_callback_may_close_the_stream(model: MattingModel) -> None:
    done = threading.Event()

    def listen(matte: Matte) -> None:
        matter.close()
        done.set()

    matter = PortraitMatter(model, on_matte=listen)
    matter.live(FRAMES[0], 0)
    assert done.wait(PATIENCE)
    matter.close()


def test_live_needs_a_listener_and_an_open_matter(model: MattingModel) -> None:
    with PortraitMatter(model) as matter, pytest.raises(StreamError, match="on_matte"):
        matter.live(FRAMES[0], 0)
    with pytest.raises(StreamError, match="closed"):
        matter.live(FRAMES[0], 1)


def test_any_thread_may_call(model: MattingModel) -> None:
    with PortraitMatter(model) as matter:
        expected = [matter(frame) for frame in FRAMES]
        wrong: list[int] = []

        def work(number: int) -> None:
            for step in range(4):
                which = (number + step) % len(FRAMES)
                if (matter(FRAMES[which]) != expected[which]).any():
                    wrong.append(which)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_smoothing_is_for_videos_only() -> None:
    with PortraitMatter(threads=1, smoothing=Fading) as matter:
        assert matter.model.threads == 1
        first = matter.video(FRAMES[0], 0)
        np.testing.assert_array_equal(first, matter(FRAMES[0]))
        assert (matter.video(FRAMES[5], 1) != matter(FRAMES[5])).any(), "smoothed"


def test_finish_runs_in_the_pipeline(model: MattingModel) -> None:
    here = threading.current_thread()
    with PortraitMatter(model) as matter:
        frames = ((frame, time) for time, frame in enumerate(FRAMES))
        found = list(matter.stream(frames, lambda matte: (matte.timestamp_ms, threading.current_thread() is here)))
    assert found == [(time, False) for time in range(6)]
