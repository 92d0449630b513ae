"""`mmnet data scenes`, and the library that it calls: which people are placed, where, and the same bytes every time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from portraits import write_folders, write_image
from support import error_line, run

from mmnet.arrays import U8Array
from mmnet.evaluation.datasets.pairs import load_pairs
from mmnet.runtime import read_photo
from mmnet.training.data.layouts import Pair
from mmnet.training.data.scene_sets import Cuts, SceneOptions, make_scene, plan_scenes, usable_people
from mmnet.training.data.scenes import SceneError


def column(left: int, right: int, top: int = 20) -> U8Array:
    """A matte of 80 × 60 whose person reaches from column `left` to `right`, down to the lower edge."""
    matte = np.zeros((80, 60), np.uint8)
    matte[top:, left:right] = 255
    return matte


@pytest.fixture
def backgrounds(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for number in range(3):
        write_image(tmp_path / "places" / f"{number}.png", random.integers(0, 90, (60, 90, 3), np.uint8))
    return tmp_path / "places"


def photo(folder: Path, name: str, matte: U8Array) -> Pair:
    colours = np.full((*matte.shape, 3), 200, np.uint8)
    return Pair(
        write_image(folder / "image" / f"{name}.png", colours), write_image(folder / "mask" / f"{name}.png", matte)
    )


def cutout(folder: Path, name: str, alpha: U8Array) -> Pair:
    path = write_image(folder / f"{name}.png", np.dstack([np.full((*alpha.shape, 3), 200, np.uint8), alpha]))
    return Pair(path, path, from_alpha=True)


def test_edges_that_cut_a_person(tmp_path: Path) -> None:
    middle, left, both, top = column(20, 40), column(0, 30), column(0, 60), column(20, 40, top=0)
    assert [
        Cuts.of(photo(tmp_path, str(number), matte), matte) for number, matte in enumerate((middle, left, both, top))
    ] == [Cuts(bottom=True), Cuts(left=True, bottom=True), Cuts(True, True, False, True), Cuts(top=True, bottom=True)]
    assert Cuts.of(cutout(tmp_path, "half", left), left) == Cuts(bottom=True)
    standing = left.copy()
    standing[70:, 2:28] = 0  # two feet
    assert Cuts.of(cutout(tmp_path, "whole", standing), standing) == Cuts()


def test_people_who_cannot_be_placed_are_left_out(tmp_path: Path) -> None:
    pairs = [
        photo(tmp_path, name, matte)
        for name, matte in (("free", column(20, 40)), ("left", column(0, 30)), ("top", column(20, 40, top=0)))
    ]
    assert usable_people(pairs, SceneOptions()) == (pairs[:2], [])
    assert usable_people(pairs, SceneOptions(people=(1, 2))) == (pairs[:1], [])
    pairs[0].matte.write_bytes(b"")
    nobody = photo(tmp_path, "nobody", column(0, 0))
    usable, (unreadable, empty) = usable_people([*pairs, nobody], SceneOptions())
    assert usable == [pairs[1]]
    assert "free.png" in unreadable
    assert "shows nobody" in empty


def test_a_person_is_as_high_as_asked_and_stays_at_the_cut_edges(tmp_path: Path, backgrounds: Path) -> None:
    places = sorted(backgrounds.iterdir())
    for name, matte in (("free", column(20, 40)), ("left", column(0, 30)), ("right", column(40, 60))):
        plans = plan_scenes([photo(tmp_path, name, matte)], places, 4, 0, SceneOptions())
        for plan in plans:
            scene = make_scene(plan, 0, (0.5, 0.5))
            rows, columns = np.nonzero(scene.matte > 127)
            assert (rows.min(), rows.max()) == (180, 359)
            assert (columns.min() == 0) == (name == "left")
            assert (columns.max() == 639) == (name == "right")
            person = scene.image[scene.matte == 255].astype(int)
            assert 200 * 0.74 < person.min() <= person.max() <= 200 * 1.21


def test_plans_use_everybody_before_anybody_twice(tmp_path: Path, backgrounds: Path) -> None:
    people = [cutout(tmp_path, str(number), column(0, 30)) for number in range(6)]
    places = sorted(backgrounds.iterdir())
    plans = plan_scenes(people, places, None, 3, SceneOptions(((64, 36), (36, 64))))
    assert len({plan.people for plan in plans}) == 6
    assert [plan.size for plan in plans[:3]] == [(64, 36), (36, 64), (64, 36)]
    groups = plan_scenes(people, places, 30, 3, SceneOptions(people=(2, 4)))
    assert {len(plan.people) for plan in groups} == {2, 3, 4}
    with pytest.raises(SceneError, match="0 people, 3 backgrounds"):
        plan_scenes([], places, 1, 0, SceneOptions())


@pytest.mark.parametrize(
    ("options", "message"),
    [({"people": (0, 2)}, "0-2 people"), ({"heights": (0.9, 0.5)}, r"heights 0\.9-0\.5"), ({"sizes": ()}, "no size")],
)
def test_wrong_options(options: dict[str, tuple[float, ...]], message: str) -> None:
    with pytest.raises(SceneError, match=message):
        SceneOptions(**options)  # type: ignore[arg-type]


def test_command(tmp_path: Path, backgrounds: Path) -> None:
    people = write_folders(tmp_path / "people", 4)
    outputs = [tmp_path / "first", tmp_path / "second"]
    for out, workers in zip(outputs, (1, 3), strict=True):
        done = run(
            "mmnet", "data", "scenes", people, backgrounds, out, "--seed", 5, "--workers", workers, "--size", "96x54"
        )
        assert done.returncode == 0, done.stderr
        assert "4 scenes with 4 people; 0 left out" in done.stdout
    files = [sorted(path for path in out.rglob("*.*")) for out in outputs]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]
    pairs = load_pairs(outputs[0])
    assert [pair.name for pair in pairs] == ["0000", "0001", "0002", "0003"]
    assert read_photo(pairs[0].image).shape == (54, 96, 3)
    assert read_photo(pairs[0].mask).max() == 255

    done = run(
        "mmnet", "data", "scenes", people, backgrounds, outputs[0], "--people", "2-3", "--count", 2, "--json", "-f"
    )
    about = json.loads(done.stdout)
    assert (about["format"], len(about["scenes"])) == ("mmnet-scenes/1", 2)
    assert all(len(scene["people"]) in (2, 3) for scene in about["scenes"])
    assert "exists already" in error_line(run("mmnet", "data", "scenes", people, backgrounds, outputs[0]))


def test_refusals(tmp_path: Path, backgrounds: Path) -> None:
    photo(tmp_path / "people", "top", column(20, 40, top=0))
    arguments = ["mmnet", "data", "scenes", tmp_path / "people", backgrounds, tmp_path / "out"]
    assert "cut all 1 people" in error_line(run(*arguments))
    assert "write for example 2 or 2-4" in error_line(run(*arguments, "--people", "two"))
    assert "write for example 0.6 or 0.5-0.85" in error_line(run(*arguments, "--height", "1,5"))
    assert not (tmp_path / "out").exists()
