"""Interlaced videos: each frame is woven of two moments, and comes out whole."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import skimage.data
from video_files import LOSSLESS, moving_portrait, write_video_file

from mmnet.evaluation.datasets.videos import read_frames
from mmnet.runtime.video.reader import VideoInput

HEIGHT, WIDTH, COUNT = 96, 128, 6
PORTRAIT = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)


def moment(number: int) -> np.ndarray[Any, Any]:
    """A still grey portrait, over which a bar moves by 6 pixels per moment."""
    image = cv2.GaussianBlur(cv2.resize(PORTRAIT, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), (0, 0), 3)
    image[20:80, 10 + 6 * number : 26 + 6 * number] = 240
    return np.dstack([image] * 3)


def woven(number: int) -> np.ndarray[Any, Any]:
    image = moment(2 * number)
    image[1::2] = moment(2 * number + 1)[1::2]
    return image


ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "a.ts": ("mpeg2video", {"flags": "+ilme+ildct", "b": "8000000"}),
    "a.mp4": ("libx264", {"x264-params": "tff=1", "crf": "4"}),
}


def write(path: Path, images: list[Any], codec: str, options: dict[str, str], matrix: int = 6) -> Path:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 25)
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 1
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.color_range = 2
            frame = frame.reformat(format="yuv420p", dst_colorspace=5 if matrix == 6 else matrix, dst_color_range=1)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def combs(image: np.ndarray[Any, Any]) -> float:
    """How much each line differs from the two beside it, where the bar moves."""
    part = image[25:75, :90].astype(int)
    return float(np.abs(2 * part[1:-1] - part[:-2] - part[2:]).mean())


@pytest.mark.parametrize("name", ENCODERS)
def test_each_frame_becomes_one_moment(tmp_path: Path, name: str) -> None:
    codec, options = ENCODERS[name]
    path = write(tmp_path / name, [woven(number) for number in range(COUNT)], codec, options)
    with av.open(str(path)) as container:
        assert all(frame.interlaced_frame for frame in container.decode(video=0))
    with VideoInput(path) as video:
        found = list(video)
    assert [timed.timestamp_ms for timed in found] == [40 * number for number in range(COUNT)]
    for number, timed in enumerate(found):
        assert combs(timed.frame) < 0.3 * combs(woven(number))
        away = [np.abs(timed.frame.astype(int) - moment(at)).mean() for at in (2 * number, 2 * number + 1)]
        assert min(away) < 2 < max(away)
    np.testing.assert_array_equal(list(read_frames(path)), [timed.frame for timed in found])


@pytest.mark.parametrize("matrix", [1, 6])
def test_the_colours_stay_those_of_the_tags(tmp_path: Path, matrix: int) -> None:
    codec, options = ENCODERS["a.mp4"]
    image = np.full((HEIGHT, WIDTH, 3), (200, 120, 40), np.uint8)
    with VideoInput(write(tmp_path / "a.mp4", [image] * 3, codec, options, matrix)) as video:
        assert video.colour.matrix == matrix
        for timed in video:
            assert np.abs(timed.frame.astype(int) - image).max() <= 4


def test_progressive_frames_pass_as_they_are(tmp_path: Path) -> None:
    """Combs that a video does not mark as interlaced may be what was filmed."""
    images = [woven(number) for number in range(3)]
    path = write_video_file(tmp_path / "a.mkv", images, (0, 40, 80), **LOSSLESS)
    with VideoInput(path) as video:
        np.testing.assert_array_equal([timed.frame for timed in video], images)


def test_a_change_of_size_within_an_interlaced_video(tmp_path: Path) -> None:
    codec, options = ENCODERS["a.ts"]
    parts = [
        write(tmp_path / f"{height}.m2v", moving_portrait(4, height, 96), codec, options).read_bytes()
        for height in (64, 96)
    ]
    path = tmp_path / "a.m2v"
    path.write_bytes(b"".join(parts))
    with av.open(str(path)) as container:
        heights = [frame.height for frame in container.decode(video=0)]
    assert set(heights) == {64, 96}
    with VideoInput(path) as video:
        found = [timed.frame.shape for timed in video]
    assert found == [(64, 96, 3)] * len(heights)


def test_a_single_interlaced_frame(tmp_path: Path) -> None:
    codec, options = ENCODERS["a.ts"]
    with VideoInput(write(tmp_path / "a.ts", [woven(0)], codec, options)) as video:
        (timed,) = video
    assert combs(timed.frame) < 0.3 * combs(woven(0))
