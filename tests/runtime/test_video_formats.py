"""Files that FFmpeg would open as videos, and that are none: images, playlists; and which of several tracks is read."""

from __future__ import annotations

import io
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from image_files import boxed_image
from PIL import Image
from support import error_line, run
from video_files import LOSSLESS, moving_portrait, write_video_file

from mmnet.runtime.jobs.sources import is_video
from mmnet.runtime.video.ffmpeg import VideoError
from mmnet.runtime.video.reader import VideoInput

FRAMES = moving_portrait(3)


def encoded(kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(FRAMES[0]).save(buffer, kind, **options)
    return buffer.getvalue()


def refusal(source: Path | str) -> str:
    with pytest.raises(VideoError) as caught:
        VideoInput(source)
    message = str(caught.value)
    assert message.startswith(f"{source}: ")
    assert "\n" not in message
    return message.removeprefix(f"{source}: ")


IMAGES = {
    "HEIC": boxed_image(b"heic", b"mif1", b"heic"),
    "AVIF": encoded("AVIF"),
    "JPEG 2000": encoded("JPEG2000"),
    "JPEG": encoded("JPEG"),
    "PNG": encoded("PNG"),
    "WebP": encoded("WEBP"),
    "BMP": encoded("BMP"),
    "TIFF": encoded("TIFF"),
    "Netpbm": encoded("PPM"),
    "PCX": encoded("PCX"),
    "SGI": encoded("SGI"),
    "icon": encoded("ICO", sizes=[(16, 16)]),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_an_image_is_no_video(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "image.mp4"
    path.write_bytes(IMAGES[kind])
    assert kind in refusal(path)


@pytest.mark.parametrize("kind", ["TGA", "XBM"])
def test_an_image_without_a_known_signature_is_no_video(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"image.{kind.lower()}"
    image = Image.fromarray(FRAMES[0])
    (image.convert("1") if kind == "XBM" else image).save(path, kind)
    refusal(path)


def test_the_command_refuses_images_of_other_formats_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "photo.jp2").write_bytes(IMAGES["JPEG 2000"])
    told = error_line(run("mmnet", "matte", tmp_path / "photo.jp2"))
    assert "is a JPEG 2000 image, which is not read" in told
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jp2"]


def test_a_gif_is_a_video_if_it_moves(tmp_path: Path) -> None:
    images = [Image.fromarray(frame) for frame in FRAMES]
    still, moving = tmp_path / "still.gif", tmp_path / "moving.gif"
    images[0].save(still)
    images[0].save(moving, save_all=True, append_images=images[1:], duration=100, loop=0)
    assert "is a GIF image without motion" in refusal(still)
    assert is_video(still)
    with VideoInput(moving) as video:
        found = [(timed.frame.shape, timed.timestamp_ms) for timed in video]
    assert found == [((64, 96, 3), 100 * number) for number in range(3)]
    renamed = tmp_path / "moving"
    renamed.write_bytes(moving.read_bytes())
    assert is_video(renamed)


# --- files that name others ---

PLAYLISTS = {
    "ffconcat": ("ffconcat version 1.0\nfile victim.mp4\n", "an ffconcat script"),
    "hls": ("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nvictim.mp4\n#EXT-X-ENDLIST\n", "an HLS playlist"),
    "dash": ('<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>\n', "a document"),
}


@pytest.mark.parametrize("extension", [".mp4", ".m3u8", ".mpd", ".txt"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_reads_no_other_file(tmp_path: Path, kind: str, extension: str) -> None:
    write_video_file(tmp_path / "victim.mp4", FRAMES)
    text, said = PLAYLISTS[kind]
    path = tmp_path / f"list{extension}"
    path.write_text(text)
    for source in (path, str(path), f"file:{path}"):
        assert f"is {said}, not a video" in refusal(source)


@pytest.mark.parametrize("protocol", ["concat:{0}|{0}", "subfile,,start,0,end,0,,:{0}", "async:{0}", "cache:{0}"])
def test_a_name_is_no_protocol(tmp_path: Path, protocol: str) -> None:
    victim = write_video_file(tmp_path / "victim.mp4", FRAMES)
    with pytest.raises(VideoError):
        VideoInput(protocol.format(victim))


def test_names_that_ffmpeg_would_interpret(tmp_path: Path) -> None:
    for name in ("a:b.mkv", "100%.mkv", "concat:x.mkv", "-y.mkv", "http:.mkv", "a|b.mkv", "frame%03d.mkv"):
        path = write_video_file(tmp_path / "v.mkv", FRAMES, **LOSSLESS).rename(tmp_path / name)
        with VideoInput(path) as video:
            assert len(list(video)) == 3, name


# --- tracks ---


def two_tracks(path: Path, default: int | None) -> Path:
    from av.stream import Disposition

    with av.open(str(path), "w") as container:
        streams: list[Any] = []
        for number in range(2):
            stream: Any = container.add_stream("ffv1", rate=10)
            stream.height, stream.width = FRAMES[0].shape[:2]
            stream.pix_fmt = "bgr0"
            stream.disposition = Disposition.default if number == default else Disposition(0)
            streams.append(stream)
        for number, stream in enumerate(streams):
            for frame in FRAMES:
                shown = np.ascontiguousarray(frame[::-1] if number else frame)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(shown, "rgb24")))
        for stream in streams:
            container.mux(stream.encode(None))
    return path


def test_the_main_track_is_read(tmp_path: Path) -> None:
    for default in (0, 1):
        with VideoInput(two_tracks(tmp_path / "video.nut", default)) as video:
            for timed, frame in zip(video, FRAMES, strict=True):
                np.testing.assert_array_equal(timed.frame, frame[::-1] if default else frame)


def test_tracks_of_which_none_is_the_main_one_are_refused(tmp_path: Path) -> None:
    assert "has 2 video tracks" in refusal(two_tracks(tmp_path / "video.nut", None))


def test_frames_beyond_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video_file(tmp_path / "video.mkv", FRAMES, **LOSSLESS)
    monkeypatch.setattr("mmnet.runtime.video.reader.MAX_PIXELS", 64 * 96 - 1)
    assert "96×64 is too large" in refusal(path)


# --- side data that PyAV does not know ---


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


@pytest.mark.parametrize("orientation", [1, 6])
def test_motion_jpeg_whose_frames_carry_exif(tmp_path: Path, orientation: int) -> None:
    """Frames of some cameras have EXIF blocks, which FFmpeg gives as side data of a kind that PyAV has no name for."""
    path = tmp_path / "camera.avi"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mjpeg", rate=10)
        stream.height, stream.width = FRAMES[0].shape[:2]
        stream.pix_fmt = "yuvj420p"
        for number, frame in enumerate(FRAMES):
            buffer = io.BytesIO()
            Image.fromarray(frame).save(buffer, "JPEG", quality=95, exif=exif(orientation))
            packet = av.Packet(buffer.getvalue())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 10)
            container.mux(packet)
    with VideoInput(path) as video:
        found = [timed.frame for timed in video]
    expected = [np.rot90(frame, -1) if orientation == 6 else frame for frame in FRAMES]
    assert np.abs(np.array(found, int) - np.array(expected)).mean() < 6


def test_any_number_of_side_data_is_known() -> None:
    from mmnet.runtime.video.ffmpeg import pyav

    kinds = pyav().sidedata.sidedata.Type
    assert kinds(31) is kinds(31)
    assert kinds(9999).value == 9999
    assert kinds["DISPLAYMATRIX"].value != 9999


def test_pyav_is_not_imported_by_the_runtime() -> None:
    script = "import sys, mmnet.runtime, mmnet.runtime.video.opening; assert 'av' not in sys.modules"
    subprocess.run([__import__("sys").executable, "-c", script], check=True)
