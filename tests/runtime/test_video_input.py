"""Reading of videos: frames upright, in the right colours, each at its time."""

from __future__ import annotations

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from video_files import LOSSLESS, TIMES, moving_portrait, read_written, write_video_file

from mmnet.runtime.jobs.sources import is_video
from mmnet.runtime.video.ffmpeg import VideoError
from mmnet.runtime.video.reader import VideoInput


def frames_of(path: Path, **options: Any) -> tuple[list[np.ndarray[Any, Any]], list[Fraction]]:
    with VideoInput(path, **options) as video:
        found = list(video)
    return [timed.frame for timed in found], [timed.timestamp_ms for timed in found]


def test_lossless_frames_and_their_times(tmp_path: Path) -> None:
    images = moving_portrait()
    path = write_video_file(tmp_path / "video.mkv", images, **LOSSLESS)
    found, times = frames_of(path)
    assert times == list(TIMES)
    np.testing.assert_array_equal(found, images)
    with VideoInput(path) as video:
        assert (video.height, video.width, video.time_base) == (64, 96, Fraction(1, 1000))


PATCHES = np.array(
    [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 120, 40), (255, 255, 255), (0, 0, 0), (90, 160, 210)], np.uint8
)


@pytest.mark.parametrize("span", [1, 2], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 6, 9], ids=["BT.709", "BT.601", "BT.2020"])
def test_colours(tmp_path: Path, matrix: int, span: int) -> None:
    image = np.broadcast_to(PATCHES.repeat(16, 0), (32, len(PATCHES) * 16, 3))
    path = write_video_file(
        tmp_path / "video.mkv",
        [np.ascontiguousarray(image)],
        codec="ffv1",
        pixel_format="yuv444p",
        colour=(matrix, span),
    )
    (found,), _ = frames_of(path)
    assert np.abs(found.astype(int) - image).max() <= 4  # 8 bits there and back; another matrix would be off by 20
    with VideoInput(path) as video:
        assert video.colour.matrix == matrix


@pytest.mark.parametrize(("size", "matrix"), [((64, 96), 6), ((720, 1280), 1), ((1280, 720), 1)])
def test_untagged_colours_are_taken_by_size(tmp_path: Path, size: tuple[int, int], matrix: int) -> None:
    path = write_video_file(tmp_path / "video.mkv", [np.zeros((*size, 3), np.uint8)], codec="ffv1")
    with VideoInput(path) as video:
        assert video.colour.matrix == matrix


@pytest.mark.parametrize("flips", [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
def test_rotation_and_mirroring(tmp_path: Path, degrees: int, flips: tuple[bool, bool]) -> None:
    stored = moving_portrait(1)[0]
    path = write_video_file(
        tmp_path / "video.mov", [stored], codec="png", pixel_format="rgb24", turned=(degrees, *flips)
    )
    with av.open(str(path)) as container:
        side_data: Any = next(container.decode(video=0)).side_data.get("DISPLAYMATRIX")
    matrix = np.eye(3) if side_data is None else np.frombuffer(bytes(side_data), np.int32).reshape(3, 3) / 65536
    rows, columns = np.indices(stored.shape[:2])
    # As libavutil defines it: x' = a x + c y, y' = b x + d y.
    x, y = (columns * matrix[0, i] + rows * matrix[1, i] for i in (0, 1))
    x, y = (values.round().astype(int) - values.round().astype(int).min() for values in (x, y))
    upright = np.zeros((y.max() + 1, x.max() + 1, 3), np.uint8)
    upright[y, x] = stored
    (found,), _ = frames_of(path)
    np.testing.assert_array_equal(found, upright)
    if flips == (False, False):
        np.testing.assert_array_equal(found, np.rot90(stored, degrees // 90))


def test_an_odd_angle_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    images = moving_portrait(1)
    for degrees, told in ((90, False), (107, True), (17, True)):
        caplog.clear()
        path = write_video_file(tmp_path / "v.mkv", images, (0,), turned=(degrees, False, False), **LOSSLESS)
        frames_of(path)
        assert ("no quarter turn" in caplog.text) == told


def test_frames_without_times_come_at_the_average_rate(tmp_path: Path) -> None:
    path = write_video_file(tmp_path / "video.h264", moving_portrait(), range(0, 1000, 100), options={"bf": "0"})
    found, times = frames_of(path)
    assert len(found) == 10
    steps = np.diff([float(time) for time in times])
    assert (steps > 0).all()
    assert len(set(steps.round(3))) == 1


def test_a_change_of_size_keeps_the_first(tmp_path: Path) -> None:
    parts = [
        write_video_file(tmp_path / f"{height}.h264", moving_portrait(4, height, 96), options={"bf": "0"}).read_bytes()
        for height in (64, 80)
    ]
    path = tmp_path / "video.h264"
    path.write_bytes(b"".join(parts))
    found, _ = frames_of(path)
    assert {frame.shape for frame in found} == {(64, 96, 3)}
    assert len(found) == 8


def test_a_transport_stream_begins_at_zero(tmp_path: Path) -> None:
    late = [time + 5000 for time in TIMES]
    path = write_video_file(tmp_path / "video.ts", moving_portrait(), late, options={"bf": "0"})
    assert read_written(path).times[0] == 5
    _, times = frames_of(path)
    assert times == list(TIMES)


CONTAINERS = {".mp4": {"movflags": "faststart"}, ".mkv": {}, ".webm": {}, ".mov": {}, ".avi": {}, ".ts": {}}


@pytest.mark.parametrize("extension", CONTAINERS)
def test_a_truncated_file(tmp_path: Path, extension: str) -> None:
    codec = {".webm": "libvpx-vp9", ".avi": "mpeg4"}.get(extension, "libx264")
    whole = write_video_file(
        tmp_path / f"whole{extension}",
        moving_portrait(20),
        range(0, 2000, 100),
        codec=codec,
        container_options=CONTAINERS[extension],
    )
    data, path = whole.read_bytes(), tmp_path / f"cut{extension}"

    @settings(
        max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    )
    @given(st.floats(0.02, 0.7))
    def check(part: float) -> None:
        path.write_bytes(data[: int(part * len(data))])
        strict: int | None = None
        # Neither of these says how long it is: what is there may be all there was, and whether half a frame at the end
        # is told as damage depends on the decoder's threads.
        with suppress(VideoError) if extension in (".ts", ".avi") else pytest.raises(VideoError, match=path.name):
            strict = len(frames_of(path)[0])
        try:
            with VideoInput(path, salvage=True) as video:
                salvaged = len(list(video))
                assert extension in (".ts", ".avi") or video.damage is not None
        except VideoError:
            assert strict is None
        else:
            assert strict in (None, salvaged)
            assert 0 < salvaged <= 20

    check()


def test_a_long_cut_leaves_its_beginning_to_salvage(tmp_path: Path) -> None:
    path = write_video_file(tmp_path / "video.mkv", moving_portrait(20), range(0, 2000, 100), **LOSSLESS)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(VideoError, match=r"truncated or damaged after \d+ frames .*salvage=True"):
        frames_of(path)
    found, times = frames_of(path, salvage=True)
    assert 7 <= len(found) < 20
    np.testing.assert_array_equal(found, moving_portrait(20)[: len(found)])
    assert times == [100 * number for number in range(len(found))]


def test_what_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("hello, world\n" * 100)
    (tmp_path / "huge.y4m").write_bytes(b"YUV4MPEG2 W100000 H100000 F25:1 C420\nFRAME\n" + bytes(99))
    sound = tmp_path / "sound.mkv"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        stream.codec_context.layout = "mono"
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), "s16", "mono")
        samples.sample_rate = 48000
        container.mux([*stream.encode(samples), *stream.encode(None)])
    cases = {
        "empty": tmp_path / "empty.mp4",
        "not a video": tmp_path / "text.mp4",
        "truncated or damaged": tmp_path / "huge.y4m",
        "no such file": tmp_path / "gone.mp4",
        "is a folder": tmp_path,
        "is not a file": Path(os.devnull),
        "has no video in it": sound,
    }
    for says, path in cases.items():
        with pytest.raises(VideoError, match=says) as caught:
            VideoInput(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_what_is_read_as_a_video(tmp_path: Path, portrait: np.ndarray[Any, Any]) -> None:
    video = write_video_file(tmp_path / "video.mp4", moving_portrait(2)).read_bytes()
    contents = {
        "a.mp4": (b"", True),
        "b.GIF": (b"", True),
        "c.jpg": (video, False),
        "d": (video, True),
        "e": (b"\x89PNG\r\n\x1a\n" + bytes(99), False),
        "f.dat": (b"RIFF\0\0\0\0WEBPVP8 ", False),
        "g.dat": (b"RIFF\0\0\0\0AVI LIST", True),
        "h": (b"", False),
    }
    for name, (content, expected) in contents.items():
        (tmp_path / name).write_bytes(content)
        assert is_video(tmp_path / name) == expected, name
    assert not is_video(tmp_path / "gone")
