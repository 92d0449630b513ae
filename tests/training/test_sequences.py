"""`mmnet data sequences`: rendered sequences with known mattes."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from portraits import drawn_portrait, write_folders, write_image
from support import error_line, run

from mmnet.arrays import AnyArray
from mmnet.evaluation.datasets.sequences import check_sequences, load_sequences, read_motions
from mmnet.training.data.layouts import find_source
from mmnet.training.data.motion import MOTIONS, Trajectory
from mmnet.training.data.sequences import SequenceError, parse_size, plan_sequences, render_frames, write_sequences

SIZE = (80, 64)


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folders(tmp_path_factory.mktemp("set"), 3)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("scenes")
    return [write_image(folder / f"{number}.png", drawn_portrait(40 + number)[0]) for number in range(2)]


def rendered(portraits: Path, scenes: list[Path], motion: str, **options: Any) -> list[tuple[AnyArray, AnyArray]]:
    (plan,) = plan_sequences(find_source(portraits).pairs, scenes, [motion], 1, seed=3)
    return list(render_frames(plan, options.pop("length", 6), SIZE, seed=3, **options))


def movement(frames: list[tuple[AnyArray, AnyArray]]) -> float:
    """Return the mean change of the matte from frame to frame."""
    return float(np.mean([np.abs(a[1].astype(int) - b[1]).mean() for a, b in pairwise(frames)]))


@pytest.mark.parametrize("motion", list(MOTIONS))
def test_every_motion(portraits: Path, scenes: list[Path], motion: str) -> None:
    frames = rendered(portraits, scenes, motion, clean=True)
    for frame, matte in frames:
        assert (frame.shape, frame.dtype, matte.shape, matte.dtype) == ((64, 80, 3), np.uint8, (64, 80), np.uint8)
        # The person is visible, and the photo's lower edge, which cuts the person, is not.
        assert 0.1 < matte.mean() / 255 < 0.9
        assert matte[-1].max() == 255
    moved = movement(frames)
    assert (moved == 0) == (motion == "still")
    if motion == "fast":
        assert moved > 3 * movement(rendered(portraits, scenes, "drift", clean=True))


def test_the_matte_belongs_to_its_frame(portraits: Path, scenes: list[Path]) -> None:
    """The same person in front of two scenes: the frames differ only where the matte is transparent."""
    pairs = find_source(portraits).pairs
    sequences = []
    for scene in scenes:
        (plan,) = plan_sequences(pairs, [scene], ["shake"], 1, seed=3)
        sequences.append(list(render_frames(plan, 4, SIZE, seed=3, clean=True)))
    for (one, matte), (other, same) in zip(*sequences, strict=True):
        np.testing.assert_array_equal(matte, same)
        difference = np.abs(one.astype(int) - other).max(axis=2)
        assert difference[matte == 255].max() <= 1
        assert difference[matte == 0].mean() > 10


def test_the_faults_of_the_camera_change_every_frame(portraits: Path, scenes: list[Path]) -> None:
    pairs = find_source(portraits).pairs
    changes = []
    for plan in plan_sequences(pairs, scenes, ["still"], 6, seed=1):
        first, second = (frame for frame, _ in render_frames(plan, 2, SIZE, seed=1))
        changes.append(np.abs(first.astype(int) - second).mean())
    assert sum(change > 0.2 for change in changes) >= 3


def test_the_same_seed_gives_the_same_bytes(portraits: Path, scenes: list[Path], tmp_path: Path) -> None:
    plans = plan_sequences(find_source(portraits).pairs, scenes, ["fast", "breathe"], 3, seed=5)
    for name, workers in (("one", 1), ("two", 3)):
        write_sequences(plans, tmp_path / name, length=3, size=SIZE, seed=5, workers=workers)
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert one == two
    assert len(one) == 3 * 3 * 2 + 1
    other = list(render_frames(plans[0], 3, SIZE, seed=6))
    assert any(
        (frame != known).any()
        for (frame, _), (known, _) in zip(other, render_frames(plans[0], 3, SIZE, 5), strict=True)
    )


def test_nobody_appears_twice_before_everybody_appeared(portraits: Path, scenes: list[Path]) -> None:
    plans = plan_sequences(find_source(portraits).pairs, scenes, ["still", "turn"], 7, seed=0)
    people = [plan.pair.photo.stem for plan in plans]
    assert len(set(people[:3])) == len(set(people[3:6])) == 3
    assert [plan.name for plan in plans[:3]] == ["000-still", "001-turn", "002-still"]
    assert plan_sequences(find_source(portraits).pairs, [], ["still"], 1, seed=0)[0].background is None


def test_a_trajectory_is_continuous() -> None:
    for motion in MOTIONS.values():
        trajectory = Trajectory(motion.person, np.random.default_rng(1))
        for name, value in trajectory.at(2.0).items():
            assert abs(trajectory.at(2.01)[name] - value) < 0.2


def test_the_command(portraits: Path, scenes: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["mmnet", "data", "sequences", portraits, out, "--count", 2, "--frames", 3, "--size", "48x32"]
    done = run(*command, "--backgrounds", scenes[0].parent, "--motions", "drift,shake", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == json.loads((out / "sequences.json").read_text())
    assert [entry["motion"] for entry in told["sequences"]] == ["drift", "shake"]
    assert "next   mmnet evaluate --video" in done.stderr
    sequences = load_sequences(out)
    assert check_sequences(sequences).lengths == [3, 3]
    assert read_motions(out) == {"000-drift": "drift", "001-shake": "shake"}
    assert "exists already" in error_line(run(*command))
    before = (out / "000-drift" / "image" / "0000.png").read_bytes()
    assert run(*command, "--force", "--seed", 4).returncode == 0
    assert (out / "000-still" / "image" / "0000.png").read_bytes() != before
    assert not (out / "000-drift").exists()  # the replaced folder is gone


def test_people_can_be_small(portraits: Path, scenes: list[Path], tmp_path: Path) -> None:
    pairs = find_source(portraits).pairs
    plan = plan_sequences(pairs, scenes, ["walk"], 1, 0)[0]
    sizes = []
    for heights in ((0.4, 0.4), (0.8, 0.8)):
        frames = list(render_frames(plan, 3, (160, 96), 0, heights=heights, clean=True))
        sizes.append(float(np.mean([matte.mean() for _, matte in frames])))
    assert 0 < sizes[0] < 0.5 * sizes[1]
    cut = tmp_path / "cut"
    for part, image in (("image", np.full((40, 40, 3), 90, np.uint8)), ("mask", np.full((40, 40), 255, np.uint8))):
        (cut / part).mkdir(parents=True)
        write_image(cut / part / "0.png", image)
    command = ["mmnet", "data", "sequences", cut, tmp_path / "out", "--size", "48x48", "--frames", 2]
    assert "cut all people" in error_line(run(*command, "--height", "0.3-0.5"))
    assert run(*command, "--height", "0.9-1", "--count", 1).returncode == 0
    assert json.loads((tmp_path / "out" / "sequences.json").read_text())["heights"] == [0.9, 1]


def test_wrong_arguments_are_refused(portraits: Path, scenes: list[Path], tmp_path: Path) -> None:
    pairs = find_source(portraits).pairs
    with pytest.raises(SequenceError, match="unknown motion 'jump'; choose among still"):
        plan_sequences(pairs, scenes, ["jump"], 1, 0)
    for text in ("48", "48x", "48x8", "x", "99999x48", "-48x48"):
        with pytest.raises(SequenceError, match="write for example 640x360"):
            parse_size(text)
    assert "no such folder" in error_line(run("mmnet", "data", "sequences", tmp_path / "none", tmp_path / "out"))
    broken = write_folders(tmp_path / "broken", 1)
    (photo,) = (broken / "image").iterdir()
    photo.write_bytes(photo.read_bytes()[:200])
    line = error_line(run("mmnet", "data", "sequences", broken, tmp_path / "out", "--size", "48x48", "--frames", 2))
    assert str(photo) in line
    assert not (tmp_path / "out").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
