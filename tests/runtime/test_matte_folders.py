"""`mmnet matte` on folders: what it leaves out, what lies below them, what exists already, and odd names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import pytest
from support import run

from mmnet.errors import OutputExistsError
from mmnet.runtime.fullres.rendering import Renderer
from mmnet.runtime.jobs import runner
from mmnet.runtime.jobs.outputs import MatteJob
from mmnet.runtime.jobs.request import MatteRequest
from mmnet.runtime.jobs.results import MatteResult


@pytest.fixture
def photo(portrait: Any) -> bytes:
    return cv2.imencode(".jpg", portrait[::6, ::6, ::-1])[1].tobytes()


def results(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_what_a_folder_holds_besides_is_said(photo: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.jpg", "b.psd", "c.dng", "d.jfif", "e.jpe", "f.jpe", "sub/g.jpg"):
        (folder / name).write_bytes(photo)
    done = run("mmnet", "matte", folder, "-o", tmp_path / "out", "--json")
    assert done.returncode == 0
    assert (
        f"note: {folder}: left out 2 .jpe, 1 .dng, 1 .jfif, 1 .psd, 1 folder; --recursive takes the folders"
        in done.stderr
    )
    left_out = json.loads(done.stdout)["left_out"]
    assert left_out["extensions"] == {".dng": 1, ".jfif": 1, ".psd": 1, ".jpe": 2}
    assert left_out["folders"] == 1
    (folder / "a.jpg").unlink()
    refused = run("mmnet", "matte", folder, "-o", tmp_path / "out")
    assert "it has 2 .jpe, 1 .dng, 1 .jfif, 1 .psd, 1 folder" in refused.stderr


def test_evaluation_and_training_say_it_too(photo: bytes, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for part, extension in (("image", ".jpg"), ("mask", ".png")):
        (data / part).mkdir(parents=True)
        image = cv2.cvtColor(cv2.imdecode(bytes_to_array(photo), cv2.IMREAD_COLOR), cv2.COLOR_BGR2GRAY)
        image[: len(image) // 2], image[len(image) // 2 :] = 0, 255
        assert cv2.imwrite(str(data / part / f"a{extension}"), image)
        (data / part / "b.psd").touch()
    for command in (
        ["evaluate", "-m", next((Path(__file__).parents[2] / "runtime" / "models").glob("*.tflite")), "-d", data],
        ["data", "check", data],
    ):
        notes = [line for line in run("mmnet", *command).stderr.splitlines() if line.startswith("note: ")]
        assert notes == [f"note: {data / part}: left out 1 .psd" for part in ("image", "mask")], command


def bytes_to_array(content: bytes) -> Any:
    import numpy as np

    return np.frombuffer(content, np.uint8)


def test_folders_below_keep_their_place_and_results_are_no_sources(photo: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub" / "deep").mkdir(parents=True)
    for name in ("a.jpg", "sub/a.jpg", "sub/a.png", "sub/deep/b.jpg"):
        (folder / name).write_bytes(photo)
    (folder / "loop").symlink_to(".")
    out = folder / "mattes"
    expected = ["a-alpha.png", "sub/a.jpg-alpha.png", "sub/a.png-alpha.png", "sub/deep/b-alpha.png"]
    assert run("mmnet", "matte", folder, "-o", out, "--recursive").returncode == 0
    assert results(out) == expected
    again = run("mmnet", "matte", folder, "-o", out, "-r")
    assert again.returncode == 1
    assert again.stderr.count("exists already") == 4
    assert results(out) == expected


def test_results_beside_their_sources_are_no_sources(photo: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.jpg", "a.png", "b.jpg", "lone-alpha.jpg"):
        (folder / name).write_bytes(photo)
    sources = results(folder)
    for options in ((), ("-b", "lime")):
        assert run("mmnet", "matte", folder, "-o", folder, *options).returncode == 0
    assert len(results(folder)) == 3 * len(sources)
    again = run("mmnet", "matte", folder, "-o", folder, "--skip-existing", "--json")
    assert again.stderr.splitlines() == [
        f"note: {folder}: left out 8 results of an earlier run",
        "0 matted, 4 skipped, 0 failed",
    ]
    document = json.loads(again.stdout)
    assert [Path(one["photo"]).name for one in document["results"]] == sources
    assert document["left_out"]["results"] == 8
    named = run("mmnet", "matte", folder / "b-composite.jpg", "-o", tmp_path / "named.png")
    assert (named.returncode, named.stderr) == (0, "")


def test_results_that_exist_are_skipped(photo: bytes, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(photo)
    assert run("mmnet", "matte", folder, "-o", out).returncode == 0
    before = (out / "a-alpha.png").stat().st_mtime_ns
    (out / "b-alpha.png").write_bytes(b"")  # no result
    (folder / "c.jpg").write_bytes(photo)
    done = run("mmnet", "matte", folder, "-o", out, "--skip-existing", "--json")
    assert "1 matted, 1 skipped, 1 failed" in done.stderr
    (out / "b-alpha.png").unlink()
    done = run("mmnet", "matte", folder, "-o", out, "--skip-existing", "--json")
    assert done.returncode == 0
    assert "1 matted, 2 skipped, 0 failed" in done.stderr
    document = json.loads(done.stdout)
    assert (document["matted"], document["skipped"], document["failed"]) == (1, 2, 0)
    assert document["results"][0] == {
        "photo": str(folder / "a.jpg"),
        "output": str(out / "a-alpha.png"),
        "skipped": True,
    }
    assert (out / "a-alpha.png").stat().st_mtime_ns == before
    both = run("mmnet", "matte", folder, "-o", out, "--skip-existing", "--force")
    assert both.returncode == 2
    assert "give one of the two" in both.stderr.replace("\n", " ").replace("│", "")


ODD = [
    "IMG%20001",
    "50%",
    "100%done",
    "%d",
    "%s",
    "a b",
    "a'b\"c",
    "a\nb",
    "-o",
    "[bold]",
    "~",
    "$HOME",
    "#1",
    "ü",
    "a:b",
]


@pytest.mark.parametrize("extension", ["jpg", "mp4"])
def test_any_name_will_do(extension: str, photo: bytes, portrait: Any, tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    if extension == "mp4":
        av = pytest.importorskip("av", reason="PyAV is not installed: names of videos were not tested")
        with av.open(str(tmp_path / "clip.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=10)
            stream.width = stream.height = 64
            stream.pix_fmt = "yuv420p"
            for _ in range(2):
                frame = av.VideoFrame.from_ndarray(portrait[::8, ::8].copy(), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        photo = (tmp_path / "clip.mp4").read_bytes()
    for name in ODD:
        (folder / f"{name}.{extension}").write_bytes(photo)
    suffix = "png" if extension == "jpg" else "mp4"
    done = run("mmnet", "matte", folder, "-o", out)
    assert done.returncode == 0, done.stderr
    assert results(out) == sorted(f"{name}-alpha.{suffix}" for name in ODD)
    for name in ("50%", "%d"):
        explicit = tmp_path / f"{name} of mine.{suffix}"
        done = run("mmnet", "matte", folder / f"{name}.{extension}", "-o", explicit)
        assert (done.returncode, done.stdout) == (0, f"{explicit}\n"), done.stderr
        assert explicit.stat().st_size
        again = run("mmnet", "matte", folder / f"{name}.{extension}", "-o", explicit)
        assert "exists already" in again.stderr
        assert run("mmnet", "matte", folder / f"{name}.{extension}", "-o", explicit, "-f").returncode == 0


def test_names_as_long_as_they_can_be(photo: bytes, tmp_path: Path) -> None:
    """A result of 255 bytes is written; where its name would be longer, that photo fails and the others do not."""
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    room = 255 - len("-alpha.png")
    for name in ("a", "b" * room, "c" * (room + 1), "z"):
        (folder / f"{name}.jpg").write_bytes(photo)
    done = run("mmnet", "matte", folder, "-o", out)
    assert done.returncode == 1
    assert "3 matted, 1 failed" in done.stderr
    assert "its name has 256 bytes; a file's name has at most 255: shorten it" in done.stderr
    assert results(out) == ["a-alpha.png", f"{'b' * room}-alpha.png", "z-alpha.png"]
    assert len(os.fsencode(f"{'b' * room}-alpha.png")) == 255


def test_a_result_that_another_run_writes_meanwhile_is_skipped(
    photo: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(photo)
    told: list[MatteResult] = []

    def overtaken(matter: object, source: Path, output: Path, *others: object, **options: object) -> None:
        output.write_bytes(b"of another run")
        raise OutputExistsError(f"{output}: exists already")

    monkeypatch.setattr(runner, "matte_photo", overtaken)
    listener = SimpleNamespace(job_done=told.append)
    for skip in (True, False):
        (tmp_path / "out.png").unlink(missing_ok=True)
        request = MatteRequest(Renderer.of(None), skip_existing=skip)
        job = MatteJob(tmp_path / "a.jpg", tmp_path / "out.png")
        (result,) = runner.run_jobs(None, [job], request, listener)  # type: ignore[arg-type]
        assert (result.ok, result.skipped) == (skip, skip)
    assert len(told) == 2


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="libjpeg's words are kept on Linux alone")
def test_damaged_data_that_the_decoder_repairs_are_said_and_counted(photo: bytes, tmp_path: Path) -> None:
    damaged = bytearray(photo)
    for place in range(len(damaged) // 2, len(damaged) // 2 + 300, 60):
        damaged[place] ^= 0x5A
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(photo)
    (folder / "b.jpg").write_bytes(damaged)
    (folder / "c.jpg").write_bytes(photo)
    done = run("mmnet", "matte", folder, "-o", tmp_path / "out", "--json")
    assert done.returncode == 0
    assert done.stderr.startswith(
        f"warning: {folder / 'b.jpg'}: damaged, repaired as far as it goes (Corrupt JPEG data"
    )
    assert done.stderr.endswith("3 matted (1 from damaged files), 0 failed\n")
    assert ["warning" in result for result in json.loads(done.stdout)["results"]] == [False, True, False]
