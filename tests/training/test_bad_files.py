"""Bad files of data sets: what is made of single images goes on without them, a training names them all at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from portraits import drawn_portrait, write_folders, write_image
from support import run

from mmnet.training.augment import Augmentation
from mmnet.training.data.check import check_data
from mmnet.training.data.layouts import find_source
from mmnet.training.data.packs import load_pack
from mmnet.training.data.preview import load_some
from mmnet.training.data.usable import BadFilesError, plan_without_bad_files


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Six pairs: a cut photo, an empty matte file, a matte of another size, and three good ones."""
    root = write_folders(tmp_path / "people", 6)
    cut = root / "image" / "p001.png"
    cut.write_bytes(cut.read_bytes()[:200])
    (root / "mask" / "p003.png").write_bytes(b"")
    write_image(root / "mask" / "p004.png", drawn_portrait(4, 40, 40)[1])
    return root


@pytest.fixture
def places(tmp_path: Path) -> Path:
    for number in range(3):
        write_image(tmp_path / "places" / f"{number}.png", np.full((40, 60, 3), 40 * number, np.uint8))
    (tmp_path / "places" / "1.png").write_bytes(b"no image")
    return tmp_path / "places"


def test_a_pack_of_the_others(people: Path, tmp_path: Path) -> None:
    done = run("mmnet", "data", "pack", people, "-o", tmp_path / "set.npz", "--size", 32)
    assert done.returncode == 1
    assert load_pack(tmp_path / "set.npz").names == ("image/p000.png", "image/p002.png", "image/p005.png")
    for name in ("p001.png", "p003.png", "p004.png", "left out 3 images"):
        assert name in done.stdout


def test_a_pack_of_nothing_is_not_written(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "set", 2)
    for path in (root / "mask").iterdir():
        path.write_bytes(b"")
    done = run("mmnet", "data", "pack", root, "-o", tmp_path / "set.npz")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if "p000.png" in line or "p001.png" in line]
    assert not (tmp_path / "set.npz").exists()


def test_sequences_of_the_others(people: Path, places: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["--backgrounds", places, "--count", 6, "--frames", 2, "--size", "48x48", "--motions", "still"]
    done = run("mmnet", "data", "sequences", people, out, *arguments)
    assert done.returncode == 1, done.stderr
    made = json.loads((out / "sequences.json").read_text())["sequences"]
    assert {one["portrait"] for one in made} == {"p000.png", "p002.png", "p005.png"}
    assert {one["background"] for one in made} == {"0.png", "2.png"}
    assert len(made) == 6
    assert "left out 4 files" in done.stdout


def test_scenes_of_the_others(people: Path, places: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("mmnet", "data", "scenes", people, places, out, "--count", 6, "--size", "48x48")
    assert done.returncode == 1, done.stderr
    made = json.loads((out / "scenes.json").read_text())["scenes"]
    assert {name for one in made for name in one["people"]} == {"p000.png", "p002.png", "p005.png"}
    assert {one["background"] for one in made} == {"0.png", "2.png"}
    assert "left out 4 files" in done.stdout


def test_a_preview_of_the_others(people: Path, places: Path) -> None:
    parts, backgrounds = load_some([str(people)], 6, 32, Augmentation(), places, 0, lambda done, total: None)
    assert (len(parts[0].indices), len(backgrounds)) == (3, 2)


def test_only_the_images_of_the_plans_are_read(people: Path) -> None:
    pairs = find_source(people).pairs
    read = []
    plans, problems = plan_without_bad_files(
        lambda some, places: some[:1], lambda pair: ([pair], []), pairs[1:], [], lambda pair: read.append(pair.read())
    )
    assert (list(plans), len(problems), len(read)) == ([pairs[2]], 1, 1)
    with pytest.raises(BadFilesError, match=r"p001\.png"):
        plan_without_bad_files(lambda some, places: some, lambda pair: ([pair], []), pairs[1:2], [])


@pytest.mark.parametrize("command", ["train", "quantize"])
def test_a_training_names_all_of_them_before_it_begins(
    people: Path, places: Path, tmp_path: Path, command: str
) -> None:
    (people / "mask" / "p005.png").unlink()
    recipe = ["--recipe", "portrait"] if command == "train" else ["--ckpt", "mmnet-1.0"]
    data = ["--data", people, "--backgrounds", places, "--validation", "0.5"]
    done = run("mmnet", command, *data, *recipe, "--run", "r", cwd=tmp_path)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    found = check_data([people], validation=0).findings
    bad = [f"{one.file}: {one.detail}" for one in found if one.is_problem and one.kind != "unpaired"]
    assert len(bad) == 3
    assert sorted(line.removeprefix("error: ") for line in errors)[: len(bad)] == sorted(bad)
    assert [line for line in errors if "1.png: " in line and "places" in line]
    assert "left out 1 files" in done.stderr
    assert not (tmp_path / "checkpoints").exists()
    assert "Traceback" not in done.stderr
