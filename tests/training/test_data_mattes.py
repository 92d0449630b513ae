"""Soft mattes from binary masks, computed with pymatting."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portraits import drawn_portrait, write_image
from support import PATIENCE, error_line, run

from mmnet.arrays import AnyArray
from mmnet.runtime import read_photo
from mmnet.training.data.mattes import UNKNOWN, MatteError, Solver, make_mattes, make_trimap, plan_mattes, solve_matte

pytestmark = pytest.mark.slow


def hard(matte: AnyArray, value: int = 255) -> AnyArray:
    return (matte > 127).astype(np.uint8) * np.uint8(value)


def write_masks(folder: Path, count: int, **size: int) -> tuple[Path, Path, Path]:
    """Write `count` masks and photos, and return MASKS, IMAGES and OUT; every other mask holds 0 and 1."""
    for number in range(count):
        photo, matte = drawn_portrait(number, **size)
        write_image(folder / "photos" / f"p{number}.png", photo)
        write_image(folder / "binary" / f"p{number}.png", hard(matte, 1 if number % 2 else 255))
    return folder / "binary", folder / "photos", folder / "soft"


def grey(path: Path) -> AnyArray:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    assert pixels.ndim == 2
    assert pixels.dtype == np.uint8
    return np.asarray(pixels)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 30), st.integers(1, 60), st.integers(1, 60), st.sampled_from([1, 255]))
def test_the_trimap_agrees_with_the_mask(number: int, inside: int, outside: int, value: int) -> None:
    mask = hard(drawn_portrait(number)[1], value)
    trimap = make_trimap(mask, inside, outside)
    assert set(np.unique(trimap)) == {0, UNKNOWN, 255}
    assert (mask[trimap == 255] == value).all()
    assert (mask[trimap == 0] == 0).all()
    edge = cv2.morphologyEx(np.minimum(mask, 1), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    assert (trimap[edge > 0] == UNKNOWN).mean() > 0.5


def test_the_band_has_the_chosen_widths() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[:, 50:] = 255
    row = make_trimap(mask, inside=7, outside=12)[50]
    assert (row == 0).sum() == 50 - 12
    assert (row == 255).sum() == 50 - 7


@pytest.mark.parametrize(("value", "reason"), [(0, "empty"), (255, "full")])
def test_a_mask_without_an_edge(value: int, reason: str) -> None:
    with pytest.raises(MatteError, match=reason):
        make_trimap(np.full((20, 20), value, np.uint8))


@pytest.mark.slow
def test_the_command_writes_better_mattes_than_the_masks(tmp_path: Path) -> None:
    masks, images, out = write_masks(tmp_path, 3, height=128, width=96)
    (images / "p2.png").write_bytes(b"no image")
    write_image(masks / "alone.png", np.zeros((9, 9), np.uint8))
    done = run("mmnet", "data", "mattes", masks, images, out, "--band", 12, "--json", "--workers", 2)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    made = {Path(item["mask"]).name: item["error"] for item in json.loads(done.stdout)["made"]}
    assert {name for name, error in made.items() if error is None} == {"p0.png", "p1.png"}
    assert "has no photo" in made["alone.png"]
    assert "photos/p2.png: is not a photo" in made["p2.png"]
    assert sorted(path.name for path in out.iterdir()) == ["p0.png", "p1.png"]
    for number in range(2):
        truth = drawn_portrait(number, 128, 96)[1]
        matte = grey(out / f"p{number}.png")
        assert matte.shape == truth.shape
        error, before = (np.abs(m.astype(float) - truth).mean() for m in (matte, hard(truth)))
        assert error < 0.6 * before

    # The second run keeps existing mattes and repeats what failed.
    kept = (out / "p0.png").stat().st_mtime_ns
    write_image(images / "p2.png", drawn_portrait(2, 128, 96)[0])
    (masks / "alone.png").unlink()
    again = run("mmnet", "data", "mattes", masks, images, out, "--band", 12, "--workers", 1)
    assert again.returncode == 0, again.stderr
    assert "kept   2" in again.stdout
    assert (out / "p0.png").stat().st_mtime_ns == kept
    assert grey(out / "p2.png").shape == (128, 96)


@pytest.mark.parametrize("method", ["closed-form", "knn"])
def test_a_large_photo_is_solved_at_a_smaller_size(method: Any) -> None:
    photo, truth = drawn_portrait(5, 160, 120)
    solver = Solver(method, 15, 15, max_side=80)
    matte = solve_matte(photo, hard(truth), solver)
    trimap = make_trimap(hard(truth), 15, 15)
    known = trimap != UNKNOWN
    np.testing.assert_array_equal(matte[known], trimap[known])
    assert np.abs(matte.astype(float) - truth)[~known].mean() < np.abs(hard(truth).astype(float) - truth)[~known].mean()
    assert np.count_nonzero((matte > 20) & (matte < 235)) > 200


@pytest.mark.slow
def test_a_mask_that_ends_its_process_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    masks, images, out = write_masks(tmp_path, 5, height=60, width=50)
    for folder in (masks, images):
        (folder / "p2.png").rename(folder / "deadly.png")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import os, pathlib\n"
        "read = pathlib.Path.read_bytes\n"
        "def read_bytes(self):\n"
        "    if self.name == 'deadly.png': os.kill(os.getpid(), 9)\n"
        "    return read(self)\n"
        "pathlib.Path.read_bytes = read_bytes\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))
    plan = plan_mattes(masks, images, out, force=False)
    out.mkdir()
    outcomes = {outcome.mask.stem: outcome for outcome in make_mattes(plan.jobs, Solver(), workers=2)}
    assert sorted(outcomes) == ["deadly", "p0", "p1", "p3", "p4"]
    assert [name for name, outcome in outcomes.items() if outcome.error] == ["deadly"]
    assert "deadly.png: the system ended its process" in str(outcomes["deadly"].error)
    assert sorted(path.stem for path in out.iterdir()) == ["p0", "p1", "p3", "p4"]


def test_a_killed_command_leaves_complete_mattes_and_no_processes(tmp_path: Path) -> None:
    masks, images, out = write_masks(tmp_path, 16, height=160, width=120)
    command = [str(Path(sys.executable).with_name("mmnet")), "data", "mattes", *map(str, (masks, images, out))]
    process = subprocess.Popen([*command, "--workers", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: out.is_dir() and any(out.glob("p*.png")))
    children = workers_of(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert children
    wait_for(lambda: not any(Path("/proc", str(child)).exists() for child in children))
    left = sorted(out.glob("p*.png"))
    assert left
    for path in left:
        assert read_photo(path).shape == (160, 120, 3)
    kept = {path: path.stat().st_mtime_ns for path in left}
    again = run("mmnet", "data", "mattes", masks, images, out, "--workers", 1)
    assert again.returncode == 0, again.stderr
    assert len(list(out.glob("p*.png"))) == 16
    assert {path: path.stat().st_mtime_ns for path in left} == kept


def workers_of(parent: int) -> list[int]:
    children = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:  # the process ended in between
            continue
        if int(fields[1]) == parent:
            children.append(int(status.parent.name))
    return children


def wait_for(condition: Any, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    masks, images, out = write_masks(tmp_path, 1)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    assert "choose one of closed-form, knn" in error_line(
        run("mmnet", "data", "mattes", masks, images, out, "--method", "magic")
    )
    assert "name another folder" in error_line(run("mmnet", "data", "mattes", masks, images, masks, "--force"))
    assert "no such folder" in error_line(run("mmnet", "data", "mattes", tmp_path / "not", images, out))
    (tmp_path / "others").mkdir()
    assert "matched by stem" in error_line(run("mmnet", "data", "mattes", tmp_path / "others", images, out))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.png")} == before
    assert not out.exists()


def test_without_pymatting(tmp_path: Path) -> None:
    masks, images, out = write_masks(tmp_path, 1)
    (tmp_path / "pymatting.py").write_text("raise ImportError('not here')\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("mmnet"), "data", "mattes", masks, images, out],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path), "NO_COLOR": "1", "COLUMNS": "200"},
    )
    assert "pip install 'mmnet[train]'" in error_line(done)
