"""`evaluate --video` reads videos as the product does: rotation, colour tags, and alpha channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from moving import drawn_sequence
from portraits import write_image
from video_files import LOSSLESS, write_video_file

from mmnet.evaluation.datasets.pairs import DatasetError
from mmnet.evaluation.datasets.sequences import check_sequences, load_sequences
from mmnet.evaluation.datasets.videos import read_frames, read_mattes

FRAMES, ALPHAS = drawn_sequence([(20.0 + at, 24.0) for at in range(3)], size=48)
FRAMES = [np.ascontiguousarray(frame[:32]) for frame in FRAMES]
MATTES = [np.ascontiguousarray(np.rint(alpha * 255).astype(np.uint8)[:32]) for alpha in ALPHAS]
LEVELS = 4  # 8 bits to Y'CbCr and back


def grey(images: list[Any]) -> list[Any]:
    return [np.dstack([image] * 3) for image in images]


def sequence(tmp_path: Path) -> list[tuple[Any, Any]]:
    (found,) = load_sequences(tmp_path)
    return list(found.frames())


@pytest.mark.parametrize("both", [True, False])
def test_rotation(tmp_path: Path, both: bool) -> None:
    """Videos that are stored sideways, with a display matrix, are the upright ones."""
    for part in ("com", "pha"):
        (tmp_path / part).mkdir()
    turned: dict[str, Any] = {"codec": "png", "pixel_format": "rgb24", "turned": (90, False, False)}
    plain: dict[str, Any] = {"codec": "png", "pixel_format": "rgb24"}
    write_video_file(tmp_path / "com" / "a.mov", [np.rot90(frame, -1).copy() for frame in FRAMES], **turned)
    mattes = [np.rot90(matte, -1).copy() for matte in MATTES] if both else MATTES
    write_video_file(tmp_path / "pha" / "a.mov", grey(mattes), **(turned if both else plain))
    for (frame, matte), image, alpha in zip(sequence(tmp_path), FRAMES, MATTES, strict=True):
        np.testing.assert_array_equal(frame, image)
        np.testing.assert_array_equal(matte, alpha)


@pytest.mark.parametrize("span", [1, 2], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", [1, 6], ids=["BT.709", "BT.601"])
def test_colour_tags(tmp_path: Path, matrix: int, span: int) -> None:
    tags: dict[str, Any] = {"codec": "ffv1", "pixel_format": "yuv444p", "colour": (matrix, span)}
    frames = list(read_frames(write_video_file(tmp_path / "frames.mkv", FRAMES, **tags)))
    mattes = list(read_mattes(write_video_file(tmp_path / "mattes.mkv", grey(MATTES), **tags)))
    assert np.abs(np.array(frames, int) - FRAMES).max() <= LEVELS
    assert np.abs(np.array(mattes, int) - MATTES).max() <= LEVELS


def test_a_matte_of_compressed_grey(tmp_path: Path) -> None:
    path = write_video_file(tmp_path / "mattes.mp4", grey(MATTES), options={"crf": "4"})
    assert np.abs(np.array(list(read_mattes(path)), int) - MATTES).mean() < 1


def with_alpha(path: Path, colours: list[Any], alphas: list[Any], codec: str, pixel_format: str) -> Path:
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=10)
        stream.height, stream.width = alphas[0].shape
        stream.pix_fmt = pixel_format
        if codec == "libvpx-vp9":
            stream.options = {"crf": "4", "b": "0"}
        for colour, alpha in zip(colours, alphas, strict=True):
            frame = av.VideoFrame.from_ndarray(np.dstack([colour, alpha]), "rgba")
            container.mux(stream.encode(frame.reformat(format=pixel_format)))
        container.mux(stream.encode(None))
    return path


CONTAINERS = {"a.mkv": ("ffv1", "bgra", 0), "a.mov": ("png", "rgba", 0), "a.webm": ("libvpx-vp9", "yuva420p", 8)}


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("colour", [0, 255])
def test_mattes_in_an_alpha_channel(tmp_path: Path, name: str, colour: int) -> None:
    codec, layout, tolerance = CONTAINERS[name]
    path = with_alpha(tmp_path / name, [np.full_like(FRAMES[0], colour)] * 3, MATTES, codec, layout)
    found = list(read_mattes(path))
    assert np.abs(np.array(found, int) - MATTES).max() <= tolerance


@pytest.mark.parametrize("name", CONTAINERS)
def test_frames_with_alpha_are_composited_over_white(tmp_path: Path, name: str) -> None:
    codec, layout, tolerance = CONTAINERS[name]
    path = with_alpha(tmp_path / name, FRAMES, MATTES, codec, layout)
    for frame, image, matte in zip(read_frames(path), FRAMES, MATTES, strict=True):
        alpha = matte[..., None] / 255
        error = np.abs(frame - (image * alpha + 255 * (1 - alpha)))
        assert error.max() <= 0.5 if not tolerance else error.mean() < tolerance


def test_an_opaque_alpha_channel_leaves_the_grey_values(tmp_path: Path) -> None:
    path = with_alpha(tmp_path / "a.mkv", grey(MATTES), [np.full_like(MATTES[0], 255)] * 3, "ffv1", "bgra")
    np.testing.assert_array_equal(list(read_mattes(path)), MATTES)


def test_a_video_in_colour_is_no_matte(tmp_path: Path) -> None:
    path = write_video_file(tmp_path / "a.mkv", FRAMES, **LOSSLESS)
    with pytest.raises(DatasetError, match=r"a\.mkv: is a video in colour"):
        list(read_mattes(path))


def images(tmp_path: Path, mattes: list[Any]) -> None:
    for at, (frame, matte) in enumerate(zip(FRAMES, mattes, strict=True)):
        write_image(tmp_path / "film" / "image" / f"{at}.png", frame)
        write_image(tmp_path / "film" / "mask" / f"{at}.png", matte)


def test_labels_in_a_sequence_are_refused_and_a_faint_frame_is_not(tmp_path: Path) -> None:
    faint = [MATTES[0], MATTES[1] // 8, np.zeros_like(MATTES[2])]
    images(tmp_path, faint)
    for (_, matte), expected in zip(sequence(tmp_path), faint, strict=True):
        np.testing.assert_array_equal(matte, expected)
    images(tmp_path, [(matte > 127).astype(np.uint8) for matte in MATTES])
    with pytest.raises(DatasetError, match=r"mask: holds only 0 and 1"):
        check_sequences(load_sequences(tmp_path))


def test_a_transparent_frame_is_composited_over_white(tmp_path: Path) -> None:
    images(tmp_path, MATTES)
    assert cv2.imwrite(str(tmp_path / "film" / "image" / "0.png"), np.zeros((32, 48, 4), np.uint8))
    assert (sequence(tmp_path)[0][0] == 255).all()
