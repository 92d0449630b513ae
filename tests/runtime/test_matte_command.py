"""The command `mmnet matte` for photos, run as users run it."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import PATIENCE, held

from mmnet.runtime import PortraitMatter, Upsampling, estimate_foreground, read_photo


def pixels(path: Path) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        return np.asarray(image)


def described(path: Path) -> tuple[str | None, str, tuple[int, int]]:
    with Image.open(path) as image:
        return image.format, image.mode, image.size


def alpha_of(photo: Path, model: Path | None = None) -> np.ndarray[Any, Any]:
    with PortraitMatter(model) as matter:
        return np.rint(matter(read_photo(photo)) * 255).astype(np.uint8)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def one_line(text: str) -> str:
    assert len(text.splitlines()) == 1, text
    return text.strip()


def test_alpha_beside_the_photo(mmnet: Any, photo: Path) -> None:
    done = mmnet("matte", photo)
    output = photo.with_name("photo-alpha.png")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, str(output), "")
    assert described(output) == ("PNG", "L", (200, 160))
    np.testing.assert_array_equal(pixels(output), alpha_of(photo))
    assert names(photo.parent) == ["photo-alpha.png", "photo.jpg"]


def test_transparent(mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    output = tmp_path / "me.png"
    arguments = (photo, "-m", tiny_model, "-b", "transparent", "-o", output, "--no-foreground")
    assert mmnet("matte", *arguments).returncode == 0
    np.testing.assert_array_equal(pixels(output), np.dstack([read_photo(photo), alpha_of(photo, tiny_model)]))


def test_a_colour(mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    output = tmp_path / "green.png"
    arguments = (photo, "-m", tiny_model, "-b", "#00ff00", "-o", output, "--no-foreground")
    assert mmnet("matte", *arguments).returncode == 0
    alpha = alpha_of(photo, tiny_model)[..., None] / 255
    exact = alpha * read_photo(photo) + (1 - alpha) * np.array([0, 255, 0])
    assert np.abs(pixels(output) - exact).max() <= 1  # the alpha here is rounded, the composite's is not


def test_foreground_colours_are_estimated_unless_told_otherwise(
    mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path
) -> None:
    output, image = tmp_path / "me.png", read_photo(photo)
    assert mmnet("matte", photo, "-m", tiny_model, "-b", "transparent", "-o", output).returncode == 0
    with PortraitMatter(tiny_model) as matter:
        np.testing.assert_array_equal(pixels(output)[..., :3], estimate_foreground(image, matter(image)))


def test_upsampling_can_be_chosen(mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    for upsampling in Upsampling:
        output = tmp_path / f"{upsampling}.png"
        done = mmnet("matte", photo, "-m", tiny_model, "--upsampling", upsampling, "-o", output)
        assert done.returncode == 0, done.stderr
        with PortraitMatter(tiny_model, upsampling=upsampling) as matter:
            np.testing.assert_array_equal(pixels(output), np.rint(matter(read_photo(photo)) * 255))
    assert (pixels(tmp_path / "guided.png") != pixels(tmp_path / "bilinear.png")).any()


@pytest.mark.parametrize("background", ["blur", "image"])
def test_other_backgrounds_keep_the_format(
    mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path, background: str
) -> None:
    if background == "image":
        background = str(tmp_path / "behind.png")
        Image.new("RGB", (10, 30), (9, 99, 200)).save(background)
    done = mmnet("matte", photo, "-m", tiny_model, "-b", background)
    output = photo.with_name("photo-composite.jpg")
    assert (done.returncode, done.stdout.strip()) == (0, str(output))
    assert described(output) == ("JPEG", "RGB", (200, 160))


def test_a_folder(mmnet: Any, photo: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "deep" / "out"
    folder.mkdir()
    for name in ("b.jpg", "a.jpg"):
        shutil.copy(photo, folder / name)
    (folder / "notes.txt").write_text("no photo")
    done = mmnet("matte", folder, "-o", out)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [f"note: {folder}: left out 1 .txt", "2 matted, 0 failed"]
    assert names(out) == ["a-alpha.png", "b-alpha.png"]


def test_bad_photos_do_not_stop_the_others(mmnet: Any, photo: Path, tmp_path: Path) -> None:
    bad = {name: tmp_path / name for name in ("empty.jpg", "cut.jpg", "text.png", "gone.jpg")}
    bad["empty.jpg"].touch()
    bad["cut.jpg"].write_bytes(photo.read_bytes()[:2000])
    bad["text.png"].write_text("hello")
    done = mmnet("matte", *bad.values(), photo, "-o", tmp_path / "out")
    assert done.returncode == 1
    *lines, summary = done.stderr.splitlines()
    assert len(lines) == 4
    assert all(str(path) in line for path, line in zip(bad.values(), lines, strict=True))
    assert summary == "1 matted, 4 failed"
    assert names(tmp_path / "out") == ["photo-alpha.png"]


def test_a_bad_png_is_one_line(mmnet: Any, tiny_model: Path, tmp_path: Path, noise: Any) -> None:
    path = tmp_path / "cut.png"
    Image.fromarray(noise(64, 64, 3)).save(path)
    path.write_bytes(path.read_bytes()[:3000])
    done = mmnet("matte", path, "-m", tiny_model)
    assert done.returncode == 1
    assert "truncated or damaged" in one_line(done.stderr)


def test_json(mmnet: Any, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    done = mmnet("matte", photo, tmp_path / "empty.jpg", "-o", tmp_path / "out", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert (document["matted"], document["failed"], document["fit"]) == (1, 1, "auto")
    good, bad = document["results"]
    output = tmp_path / "out" / "photo-alpha.png"
    (seen,), confidence, coverage = good.pop("seen"), good.pop("confidence"), good.pop("coverage")
    assert good == {"photo": str(photo), "output": str(output), "width": 200, "height": 160, "nobody": False}
    assert 0.9 < confidence <= 1
    assert 0.1 < coverage < 0.9
    assert set(seen) == {"top", "left", "height", "width"}
    assert seen["top"] + seen["height"] <= 160
    assert seen["left"] + seen["width"] <= 200
    assert bad["photo"] == str(tmp_path / "empty.jpg")
    assert "empty" in bad["error"]


def test_nothing_is_replaced_unasked(mmnet: Any, photo: Path, tiny_model: Path) -> None:
    output = photo.with_name("photo-alpha.png")
    output.write_text("precious")
    done = mmnet("matte", photo, "-m", tiny_model)
    assert done.returncode == 1
    assert "--force" in one_line(done.stderr)
    assert output.read_text() == "precious"
    assert mmnet("matte", photo, "-m", tiny_model, "--force").returncode == 0
    assert described(output) == ("PNG", "L", (200, 160))


def test_what_is_read_is_never_overwritten(mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    behind, link = tmp_path / "behind.jpg", tmp_path / "link.jpg"
    Image.new("RGB", (10, 10)).save(behind)
    os.link(photo, link)
    for output in (photo, behind, link):
        before = output.read_bytes()
        done = mmnet("matte", photo, "-m", tiny_model, "-b", behind, "-o", output, "--force")
        assert done.returncode == 1
        assert "would overwrite" in one_line(done.stderr)
        assert output.read_bytes() == before


def test_colliding_names_lose_nothing(mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        for name in ("a.jpg", "a.png", "A.jpeg", "b.jpg"):
            Image.fromarray(pixels(photo)).save(folder / name)
    done = mmnet("matte", one, two, one / "b.jpg", "-m", tiny_model, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert len(names(tmp_path / "out")) == 8
    assert len({name.casefold() for name in names(tmp_path / "out")}) == 8


def test_usage(mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    other = shutil.copy(photo, tmp_path / "other.jpg")
    for arguments in (
        (),
        (photo, other),
        (photo, other, "-o", photo),
        (photo, "--threads", "0"),
        (photo, "--unknown"),
    ):
        done = mmnet("matte", *arguments, "-m", tiny_model)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
    assert names(tmp_path) == ["other.jpg", "photo.jpg"]


def test_a_name_no_file_system_has(mmnet: Any, tiny_model: Path, tmp_path: Path) -> None:
    done = mmnet("matte", "x" * 5000 + ".jpg", "-m", tiny_model)
    assert done.returncode == 1
    assert "too long" in one_line(done.stderr)


REFUSED = {
    "no such model": ("-m", "missing.tflite"),
    "no colour": ("-b", "nocolour"),
    "choose one of bilinear, guided": ("--upsampling", "nearest"),
    "written as .png": ("-b", "transparent", "-o", "me.jpg"),
    "GIF is not written; name a .png or .jpg file with -o": ("-o", "me.gif", "-b", "blur"),
    "WEBP is read, not written": ("-o", "me.webp", "-b", "blur"),
    "alpha is written as .png": ("-o", "me.jpg"),
}


@pytest.mark.parametrize(("says", "arguments"), REFUSED.items(), ids=REFUSED.keys())
def test_refused_before_any_work(
    mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path, says: str, arguments: tuple[str, ...]
) -> None:
    if "-m" not in arguments:
        arguments = (*arguments, "-m", str(tiny_model))
    done = mmnet("matte", photo, *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert says in one_line(done.stderr)
    assert done.stdout == ""
    assert names(tmp_path) == ["photo.jpg"]


def test_the_output_folder_must_be_writable(mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = mmnet("matte", photo, "-m", tiny_model, "-o", tmp_path / "file" / "out.png")
    assert done.returncode == 1
    assert "is a file, not a folder" in one_line(done.stderr)


def test_a_full_disk_is_one_line_and_leaves_nothing(mmnet: Any, tiny_model: Path, tmp_path: Path, noise: Any) -> None:
    photo = tmp_path / "noise.png"
    Image.fromarray(noise(400, 400, 3)).save(photo)
    done = mmnet(
        "matte",
        photo,
        "-m",
        tiny_model,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)),
    )
    assert done.returncode == 1
    assert "noise-alpha.png: cannot be written" in one_line(done.stderr)
    assert names(tmp_path) == ["noise.png"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_an_end_in_the_middle_leaves_no_half_file(tiny_model: Path, tmp_path: Path, photo: Path, how: int) -> None:
    folder, out = tmp_path / "many", tmp_path / "out"
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.jpg").symlink_to(photo)
    script = "import mmnet.files\nhold(mmnet.files, '_publish_file', 4)\nfrom mmnet.cli.main import main\nmain()"
    with held(script, "matte", folder, "-m", tiny_model, "-o", out) as process:
        process.send_signal(how)
        _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == (-how if how == signal.SIGKILL else 128 + how)
    assert "Traceback" not in told
    written = sorted(out.glob("[0-9]*"))
    assert len(written) == 3
    for path in written:
        assert pixels(path).shape == (160, 200)
    assert (sorted(out.iterdir()) == written) == (how != signal.SIGKILL)


def test_help_has_examples(mmnet: Any) -> None:
    done = mmnet("matte", "--help")
    assert done.returncode == 0
    assert "mmnet matte photo.jpg" in done.stdout


def test_several_photos_need_a_folder(mmnet: Any, photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jpg"
    shutil.copy(photo, other)
    done = mmnet("matte", photo, other, "-o", tmp_path / "out.png")
    assert done.returncode == 2
    assert "several sources need a folder" in " ".join(done.stderr.replace("│", " ").split())
    assert not (tmp_path / "out.png").exists()
