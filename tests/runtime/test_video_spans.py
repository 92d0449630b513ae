"""Whole videos are read, whenever they begin and whatever outlives the pictures; cut ones are refused all the same."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from video_files import LOSSLESS, TIMES, moving_portrait, write_video_file

from mmnet.runtime.video.ffmpeg import VideoError
from mmnet.runtime.video.reader import VideoInput
from mmnet.runtime.video.spans import is_cut

SECONDS = 5
RATE = 10
LINES = "1\n00:00:00,200 --> 00:00:04,000\nlonger than the pictures\n\n"


def made(path: Path, *, start: float = 0, sound: tuple[float, float] | None = None, subtitle: bool = False) -> Path:
    """Write 10 frames from `start` on, sound of (begin, length) in seconds, and a subtitle that ends at 4 s."""
    codec, sound_codec = ("libvpx-vp9", "libopus") if path.suffix == ".webm" else ("libx264", "aac")
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=RATE)
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, RATE)
        heard: Any = container.add_stream(sound_codec, rate=48000) if sound else None
        if heard is not None:
            heard.codec_context.layout = "mono"
        lines = av.open(io.BytesIO(LINES.encode()), format="srt") if subtitle else None
        said = container.add_stream_from_template(lines.streams.subtitles[0]) if lines else None
        for number, image in enumerate(moving_portrait(10)):
            frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number + round(start * RATE), Fraction(1, RATE)
            container.mux(stream.encode(frame))
        if heard is not None and sound is not None:
            samples = av.AudioFrame.from_ndarray(np.zeros((1, round(48000 * sound[1])), np.int16), "s16", "mono")
            samples.sample_rate, samples.pts, samples.time_base = 48000, round(48000 * sound[0]), Fraction(1, 48000)
            container.mux([*heard.encode(samples), *heard.encode(None)])
        container.mux(stream.encode(None))
        for packet in lines.demux() if lines else ():
            if packet.dts is not None and said is not None:
                packet.stream = said
                container.mux(packet)
    return path


def read(path: Path) -> list[float]:
    with VideoInput(path) as video:
        return [float(timed.timestamp_ms) for timed in video]


EXTENSIONS = (".mkv", ".webm", ".mp4", ".mov")


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("sound", [None, (SECONDS, 1.0)], ids=["silent", "sound"])
def test_a_video_that_starts_late(tmp_path: Path, extension: str, sound: tuple[float, float] | None) -> None:
    times = read(made(tmp_path / f"late{extension}", start=SECONDS, sound=sound))
    assert len(times) == 10
    assert times[0] < 100  # the encoder of the sound may begin a little earlier
    np.testing.assert_allclose(np.diff(times), 100, atol=1.1)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_sound_before_and_after_the_pictures(tmp_path: Path, extension: str) -> None:
    times = read(made(tmp_path / f"a{extension}", start=2, sound=(0, 4.0)))
    assert len(times) == 10
    assert times[0] == pytest.approx(2000, abs=30)


@pytest.mark.parametrize("sound", [None, (0.0, 1.0)], ids=["silent", "sound"])
def test_a_subtitle_that_outlives_the_pictures(tmp_path: Path, sound: tuple[float, float] | None) -> None:
    assert len(read(made(tmp_path / "video.mkv", sound=sound, subtitle=True))) == 10


@pytest.mark.parametrize("cut", ["0.5", "2"])
def test_a_trimmed_video(tmp_path: Path, cut: str) -> None:
    """A phone trims a video by shifting its times; the frames before 0 stay in the file."""
    whole, path = made(tmp_path / "whole.mp4", sound=(0, 1.0), start=2), tmp_path / "trimmed.mp4"
    with av.open(str(whole)) as source, av.open(str(path), "w") as container:
        streams = {stream.index: container.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            shift = round(Fraction(cut) / packet.time_base)
            packet.dts, packet.pts, packet.stream = packet.dts - shift, packet.pts - shift, streams[packet.stream.index]
            container.mux(packet)
    assert len(read(path)) == 10


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("start", [0, SECONDS])
@pytest.mark.parametrize("subtitle", [False, True])
def test_a_cut_video_is_refused_all_the_same(tmp_path: Path, extension: str, start: int, subtitle: bool) -> None:
    if subtitle and extension != ".mkv":
        pytest.skip("the subtitle is written to Matroska only")
    whole = made(tmp_path / f"whole{extension}", start=start, sound=(start, 1.0), subtitle=subtitle).read_bytes()
    path = tmp_path / f"cut{extension}"
    for part in (0.3, 0.6):
        path.write_bytes(whole[: int(part * len(whole))])
        with pytest.raises(VideoError, match=path.name):
            read(path)


def test_a_length_that_is_counted_from_the_first_frame(tmp_path: Path) -> None:
    """Some programs write the length of a Matroska file without the time before its first frame."""
    late = range(1000 * SECONDS, 1000 * SECONDS + 1000, 100)
    path = write_video_file(tmp_path / "video.mkv", moving_portrait(), late, **LOSSLESS)
    data = bytearray(path.read_bytes())
    at = data.index(b"\x44\x89\x88") + 3  # Duration, a float64 in milliseconds
    (declared,) = struct.unpack_from(">d", data, at)
    assert declared > 1000 * SECONDS
    struct.pack_into(">d", data, at, declared - 1000 * SECONDS)
    path.write_bytes(data)
    assert len(read(path)) == 10
    assert not is_cut(path)
    path.write_bytes(data[: len(data) * 3 // 10])
    assert is_cut(path)
    with pytest.raises(VideoError, match=r"truncated or damaged after [1-4] frames"):
        read(path)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_last_frame_that_is_shown_for_long(tmp_path: Path, extension: str) -> None:
    """A recorded screen that stands still at the end: the file is longer than its last frame begins."""
    codec = "libvpx-vp9" if extension == ".webm" else "libx264"
    path = write_video_file(tmp_path / f"video{extension}", moving_portrait(3), (0, 100, 200), codec=codec)
    if extension in (".mkv", ".webm"):
        data = bytearray(path.read_bytes())
        at = data.index(b"\x44\x89\x88") + 3
        struct.pack_into(">d", data, at, 10_000.0)
        path.write_bytes(data)
    assert read(path) == [0, 100, 200]


def test_only_the_length_of_a_segment_says_that_a_file_is_cut(tmp_path: Path) -> None:
    live = write_video_file(tmp_path / "live.mkv", moving_portrait(), TIMES, container_options={"live": "1"})
    live.write_bytes(live.read_bytes()[:-100])
    assert not is_cut(live)
    for name, data in {"empty": b"", "text": b"hello", "header": b"\x1aE\xdf\xa3", "zero": bytes(64)}.items():
        (tmp_path / name).write_bytes(data)
        assert not is_cut(tmp_path / name)
