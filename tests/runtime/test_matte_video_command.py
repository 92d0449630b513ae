"""`mmnet matte` for videos and cameras: the output, its times, audio and colours, and every kind of failure."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.testing
from PIL import Image
from support import PATIENCE, held
from video_files import LOSSLESS, TIMES, moving_portrait, read_written, sound_codec, sounds, write_video_file

from mmnet.cli.main import app
from mmnet.errors import MMNetError
from mmnet.runtime import PortraitMatter, composite, cutout
from mmnet.runtime.fullres.rendering import ALPHA, COMPOSITE, CUTOUT, ResultKind
from mmnet.runtime.video.formats import ENCODINGS

LIME = (0, 255, 0)
BACKGROUNDS: dict[ResultKind, tuple[str, ...]] = {ALPHA: (), CUTOUT: ("-b", "transparent"), COMPOSITE: ("-b", "lime")}
MATTES: dict[bytes, np.ndarray[Any, Any]] = {}

Outcome = tuple[int, str, str]


@pytest.fixture(scope="module")
def matter() -> Iterator[PortraitMatter]:
    with PortraitMatter(threads=1) as matter:
        yield matter


@pytest.fixture(scope="module")
def expected(matter: PortraitMatter) -> Callable[..., list[np.ndarray[Any, Any]]]:
    """expected(kind, frames): what each frame becomes, from its photo's alpha."""

    def make(
        kind: ResultKind, frames: list[np.ndarray[Any, Any]], by: PortraitMatter = matter
    ) -> list[np.ndarray[Any, Any]]:
        alphas = [by(frame) for frame in frames]
        if kind is ALPHA:
            return [np.rint(alpha * 255) for alpha in alphas]
        if kind is CUTOUT:
            make_one = partial(cutout, estimate_foreground=True)
        else:
            make_one = partial(composite, background=LIME, estimate_foreground=True)
        return [make_one(frame, alpha).astype(np.float32) for frame, alpha in zip(frames, alphas, strict=True)]

    return make


def matte(*arguments: object) -> Outcome:
    """Run the command in this process: exit code, standard output, standard error."""
    done = typer.testing.CliRunner().invoke(app, ["matte", "--no-smoothing", *map(str, arguments)])
    if isinstance(done.exception, MMNetError):
        return done.exception.exit_code, done.stdout, f"error: {done.exception}"
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def error_line(outcome: Outcome) -> str:
    code, out, told = outcome
    assert (code, out) == (1, ""), outcome
    assert len(told.strip().splitlines()) == 1, told
    assert told.startswith("error: ")
    return told.strip()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def video_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lossless video of ten frames at irregular times."""
    return write_video_file(tmp_path_factory.mktemp("video") / "video.mkv", moving_portrait(), **LOSSLESS)


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same frames as a phone records them: H.264 and AAC."""
    return write_video_file(tmp_path_factory.mktemp("talking") / "talking.mp4", moving_portrait(), sound="aac")


@pytest.mark.parametrize(
    ("kind", "extension"), ENCODINGS, ids=[f"{kind.suffix}{extension}" for kind, extension in ENCODINGS]
)
def test_every_output(video_file: Path, tmp_path: Path, expected: Any, kind: ResultKind, extension: str) -> None:
    output, encoding = tmp_path / f"out{extension}", ENCODINGS[kind, extension]
    assert matte(video_file, "-o", output, *BACKGROUNDS[kind]) == (0, f"{output}\n", "")
    layout = {ALPHA: "gray", CUTOUT: "rgba", COMPOSITE: "rgb24"}[kind]
    vp9 = encoding.codec == "libvpx-vp9"
    written = read_written(output, layout, "libvpx-vp9" if vp9 else None)
    assert written.times == [Fraction(time, 1000) for time in TIMES]
    assert written.codec == {"libx264": "h264", "prores_ks": "prores", "libvpx-vp9": "vp9"}.get(
        encoding.codec, encoding.codec
    )
    difference = np.abs(np.array(written.images, float) - expected(kind, moving_portrait()))
    if encoding.codec == "ffv1":
        assert difference.max() == 0
    else:
        assert written.colour == (6, 1)
        assert difference.mean() < (5 if kind is COMPOSITE else 3)
        if kind is CUTOUT:
            assert difference[..., 3].mean() < 1.5
    assert names(tmp_path) == [output.name]


def test_numbered_images(video_file: Path, tmp_path: Path, expected: Any) -> None:
    output = tmp_path / "new" / "%04d.png"
    (tmp_path / "new").mkdir()
    assert matte(video_file, "-b", "transparent", "-o", output)[0] == 0
    assert names(output.parent) == [f"{number:04}.png" for number in range(1, 11)]
    for path, wanted in zip(sorted(output.parent.iterdir()), expected(CUTOUT, moving_portrait()), strict=True):
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), wanted)

    assert "--force" in error_line(matte(video_file, "-b", "transparent", "-o", output))
    other = output.with_name("precious.txt")
    other.touch()
    assert "holds other files" in error_line(matte(video_file, "-b", "transparent", "-o", output, "--force"))
    other.unlink()
    assert matte(video_file, "-b", "lime", "-o", output, "--force")[0] == 0
    assert names(tmp_path) == ["new"]


REFUSED = {
    "no transparency; name .mov": ("-b", "transparent", "-o", "out.mp4"),
    "no video format": ("-o", "out.avi"),
    "name .mp4": ("-b", "blur", "-o", "out.xyz"),
    "written as .png": ("-o", "new/%d.jpg"),
    "no pattern": ("-o", "new/%s%s.png"),
    "no pattern for": ("-o", "new/100%.png"),
    "folder of their own": ("-o", "%d.png"),
}


@pytest.mark.parametrize(("says", "arguments"), REFUSED.items(), ids=REFUSED)
def test_refused_before_any_work(
    video_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in error_line(matte(video_file, *arguments))
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("video_file", "--duration", "3"),
        ("video_file", "--camera", "0", "-o", "x.mp4"),
        ("--camera", "0"),
        ("video_file", "--crf", "99"),
    ],
)
def test_usage(video_file: Path, arguments: tuple[str, ...]) -> None:
    assert matte(*(video_file if word == "video_file" else word for word in arguments))[0] == 2


def test_names_that_nobody_gave(talking: Path, tmp_path: Path) -> None:
    source = tmp_path / "me.mov"
    source.write_bytes(talking.read_bytes())
    for arguments, name in (
        ((), "me-alpha.mp4"),
        (("-b", "blur"), "me-composite.mov"),
        (("-b", "transparent"), "me-cutout.mov"),
    ):
        assert matte(source, *arguments) == (0, f"{tmp_path / name}\n", "")
    assert len(names(tmp_path)) == 4


@pytest.mark.parametrize("extension", [".mp4", ".mov", ".mkv"])
def test_audio_is_copied_to_the_byte(talking: Path, tmp_path: Path, extension: str) -> None:
    output = tmp_path / f"out{extension}"
    code, out, _ = matte(talking, "-o", output, "--json", "-b", "lime")
    assert code == 0
    (result,) = json.loads(out)["results"]
    assert result["audio"] == [{"codec": "aac", "copied": True}]
    assert (result["video"], result["frames"], result["width"], result["height"]) == (str(talking), 10, 96, 64)
    before, after = sounds(talking), sounds(output)
    assert [data for _, data in after] == [data for _, data in before]
    shift = after[0][0] - before[0][0]  # Matroska begins at 0, where MP4 begins with the encoder's delay
    assert all(
        abs(late - early - shift) < Fraction(1, 900) for (late, _), (early, _) in zip(after, before, strict=True)
    )
    images = read_written(output).times
    assert abs(images[0] - shift) < Fraction(1, 900)
    assert np.ptp(np.diff(np.array([float(t) for t in images]) - np.array(TIMES) / 1000)) < 0.002


@pytest.mark.parametrize(
    ("sound", "source", "output", "codec"),
    [
        ("aac", "in.mp4", "out.webm", "opus"),
        ("pcm_s16le", "in.mkv", "out.mp4", "aac"),
        ("libopus", "in.webm", "out.webm", None),
    ],
)
def test_audio_that_the_container_does_not_take_is_encoded(
    tmp_path: Path, sound: str, source: str, output: str, codec: str | None
) -> None:
    video_file = write_video_file(
        tmp_path / source,
        moving_portrait(),
        sound=sound,
        codec="libvpx-vp9" if source.endswith("webm") else "libx264",
    )
    written = tmp_path / output if source != output else tmp_path / f"other-{output}"
    assert matte(video_file, "-b", "lime", "-o", written)[0] == 0
    if codec is None:
        assert [data for _, data in sounds(written)] == [data for _, data in sounds(video_file)]
        return
    assert sound_codec(written) == codec
    heard = sounds(written)
    assert 0.55 < heard[-1][0] - heard[0][0] < 0.65
    assert len(read_written(written).images) == 10


def test_no_audio(talking: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    assert matte(talking, "--no-audio", "-o", output)[0] == 0
    with pytest.raises(IndexError):
        sound_codec(output)


def test_a_phones_video_comes_out_upright(tmp_path: Path, expected: Any) -> None:
    stored = moving_portrait(3)
    video_file = write_video_file(
        tmp_path / "phone.mov",
        stored,
        codec="png",
        pixel_format="rgb24",
        turned=(-90, False, False),
        aspect=Fraction(4, 3),
    )
    output = tmp_path / "out.mov"
    # Whole frames: the crop of a video follows the frame before, that of a photo does not.
    assert matte(video_file, "-b", "transparent", "--fit", "stretch", "-o", output)[0] == 0
    written = read_written(output, "rgba")
    upright = [np.ascontiguousarray(np.rot90(frame, -1)) for frame in stored]
    with PortraitMatter(threads=1, fit="stretch") as whole:
        assert np.abs(np.array(written.images, float) - expected(CUTOUT, upright, whole)).mean() < 3
    assert written.aspect == Fraction(3, 4)
    # Matroska's pixels are square: three quarters as wide is as high again by a third.
    assert matte(video_file, "-o", tmp_path / "out.mkv")[0] == 0
    assert read_written(tmp_path / "out.mkv", "gray").images[0].shape == (128, 64)


def test_odd_sides(tmp_path: Path) -> None:
    video_file = write_video_file(tmp_path / "odd.mkv", moving_portrait(3, 65, 97), **LOSSLESS)
    for name, shape in (("a.mp4", (64, 96)), ("b.webm", (65, 97)), ("c.mkv", (65, 97)), ("d.mov", (64, 96))):
        assert matte(video_file, "-o", tmp_path / name)[0] == 0
        assert read_written(tmp_path / name, "gray").images[0].shape == shape
    line = write_video_file(tmp_path / "line.mkv", moving_portrait(2, 1, 40), **LOSSLESS)
    assert "too few" in error_line(matte(line, "-o", tmp_path / "e.mp4"))
    assert not (tmp_path / "e.mp4").exists()


def test_photos_and_videos_in_one_call(video_file: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "video.mkv").write_bytes(video_file.read_bytes())
    Image.fromarray(moving_portrait(1)[0]).save(folder / "photo.png")
    (folder / "notes.txt").write_text("neither")
    (folder / "bad.mp4").write_text("neither")
    code, stdout, told = matte(folder, "-o", out, "--json")
    assert code == 1
    document = json.loads(stdout)
    assert (document["matted"], document["failed"]) == (2, 1)
    bad, photo, video = document["results"]
    assert "not a video" in bad["error"]
    assert video["frames"] == 10
    assert photo.pop("coverage") > 0.1
    assert photo.pop("confidence") > 0.9
    assert photo == {
        "photo": str(folder / "photo.png"),
        "output": str(out / "photo-alpha.png"),
        "width": 96,
        "height": 64,
        "seen": [{"left": 0, "top": 0, "width": 96, "height": 64}],
        "nobody": False,
    }
    assert names(out) == ["photo-alpha.png", "video-alpha.mp4"]
    assert told.splitlines()[-1] == "2 matted, 1 failed"


def test_a_damaged_video(video_file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mkv"
    whole = write_video_file(cut, moving_portrait(20), range(0, 2000, 100), **LOSSLESS).read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    output = tmp_path / "out.mp4"
    line = error_line(matte(cut, "-o", output))
    assert str(cut) in line
    assert "--salvage" in line
    assert names(tmp_path) == ["cut.mkv"]

    code, stdout, told = matte(cut, "-o", output, "--salvage", "--json")
    assert code == 0
    assert told.startswith(f"warning: {cut}")
    (result,) = json.loads(stdout)["results"]
    assert "truncated" in result["warning"]
    assert 7 <= result["frames"] < 20
    assert len(read_written(output).images) == result["frames"]


def test_nothing_is_replaced_unasked(video_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    output.write_text("precious")
    assert "--force" in error_line(matte(video_file, "-o", output))
    assert "would overwrite" in error_line(matte(video_file, "-b", "lime", "-o", video_file, "--force"))
    assert output.read_text() == "precious"
    assert matte(video_file, "-o", output, "--force")[0] == 0
    assert len(read_written(output).images) == 10


def test_without_pyav(video_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(moving_portrait(1)[0]).save(photo)
    monkeypatch.setitem(sys.modules, "av", None)
    code, _, told = matte(video_file, photo, "-o", tmp_path / "out")
    assert code == 1
    line = told.splitlines()[0]
    assert line.startswith(f"error: {video_file}: this needs PyAV, which is not installed; ")
    assert "in a clone of the repository run: pip install '.[video]'" in line
    assert names(tmp_path / "out") == ["photo-alpha.png"]


FULL_DISK = """
    import resource, sys
    from fractions import Fraction
    from pathlib import Path
    import numpy as np
    from mmnet.errors import OutputError
    from mmnet.runtime.fullres.rendering import COMPOSITE
    from mmnet.runtime.video.formats import choose_encoding
    from mmnet.runtime.video.reader import VideoInput
    from mmnet.runtime.video.writer import write_video

    source, output = Path(sys.argv[1]), Path(sys.argv[2])

    def write():
        with VideoInput(source) as reader:
            encoding = choose_encoding(output, COMPOSITE)
            with write_video(output, reader, encoding, audio=source, crf=None) as video:
                for timed in reader:
                    video.write(timed.frame, timed.timestamp_ms)

    write()
    size = output.stat().st_size
    output.unlink()
    for limit in (0, 10, size // 3, size // 2, size - 200, size - 1):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            write()
        except OutputError as error:
            print(error)
            assert "cannot be written: File too large" in str(error)
        else:
            raise SystemExit(f"wrote {size} bytes in {limit}")
        assert list(output.parent.iterdir()) == [], limit
    """


@pytest.mark.parametrize("extension", [".mp4", ".webm"])
def test_a_full_disk_leaves_nothing(talking: Path, tmp_path: Path, extension: str) -> None:
    script = [sys.executable, "-c", textwrap.dedent(FULL_DISK), talking, tmp_path / f"out{extension}"]
    done = subprocess.run(list(map(str, script)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 6


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of two hundred frames, with audio, which an early end cuts."""
    images = moving_portrait(50, 32, 32) * 4
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return write_video_file(path, images, range(0, 8_000, 40), sound="aac", options={"preset": "ultrafast"})


# `mmnet ARGUMENTS…`, which waits before it writes the thirtieth frame.
WRITING = """
import mmnet.runtime.video.writer as part
hold(part.VideoFile, "write", 30)
from mmnet.cli.main import main
main()
"""


def test_ctrl_c_leaves_a_video_that_plays(long: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    with held(WRITING, "matte", long, "-b", "lime", "-o", output, "--json") as process:
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    (result,) = json.loads(out)["results"]
    assert result["interrupted"]
    written = read_written(output)
    assert 30 <= len(written.images) == result["frames"] < 200
    assert written.times == [Fraction(40 * number, 1000) for number in range(len(written.images))]
    heard = sounds(output)
    assert heard
    assert heard[-1][0] <= written.times[-1]
    assert names(tmp_path) == ["out.mp4"]


def test_kill_leaves_nothing_at_the_outputs_place(long: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    with held(WRITING, "matte", long, "-o", output) as process:
        assert list(tmp_path.glob(".mmnet-*.mp4"))
        process.kill()
    assert not output.exists()


@pytest.mark.parametrize("which", ["99", "/dev/video99", "nosuch", "http://127.0.0.1:9/camera"])
def test_no_such_camera(tmp_path: Path, which: str) -> None:
    assert which in error_line(matte("--camera", which, "-o", tmp_path / "out.mp4"))
    assert names(tmp_path) == []


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """A named pipe into which a video is written again and again, like a camera that never ends."""
    folder = tmp_path / "camera"
    folder.mkdir()
    path, stream = folder / "pipe", folder / "video.ts"
    write_video_file(stream, moving_portrait(50, 32, 32) * 4, range(0, 8000, 40), options={"preset": "ultrafast"})
    os.mkfifo(path)
    data = stream.read_bytes()

    def flow() -> None:
        try:
            with path.open("wb", buffering=0) as end:
                while True:
                    end.write(data)
        except BrokenPipeError:
            pass

    thread = threading.Thread(target=flow)
    thread.start()
    yield path
    thread.join(timeout=PATIENCE)
    assert not thread.is_alive()


def test_a_camera_records_for_as_long_as_asked(pipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    code, out, _ = matte("--camera", pipe, "-b", "lime", "-o", output, "--duration", "6", "--json")
    assert code == 0
    (result,) = json.loads(out)["results"]
    assert result["camera"] == str(pipe)
    assert result["frames"] + result["dropped"] == 151  # at 0, 40, … 6000 ms
    times = read_written(output).times
    assert len(times) == result["frames"]
    assert times[-1] <= 6
    assert all((time * 1000) % 40 == 0 for time in times)


def test_ctrl_c_ends_a_recording_as_it_should(pipe: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    with held(WRITING, "matte", "--camera", pipe, "-o", output) as process:
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out.strip()) == (0, str(output)), told
    assert read_written(output, "gray").images


def test_help_has_examples() -> None:
    code, out, _ = matte("--help")
    assert code == 0
    assert "mmnet matte clip.mp4" in out
    assert "mmnet matte --camera 0" in out
