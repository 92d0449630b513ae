"""Data sets whose names are odd, at every command that takes many: no byte of a name stops it or reaches a terminal."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import run

MODEL = next((Path(__file__).parents[2] / "runtime" / "models").glob("*.tflite"))
ODD = [os.fsdecode(name) for name in (b"caf\xe9", b"\xff\xfe", b"a\x1b]0;x\x07b", b"%d", b"two\nlines", "ü".encode())]


def portrait(number: int) -> tuple[Any, Any]:
    """A drawn head before a wall, and its matte, of 96×72 pixels."""
    random = np.random.default_rng(number)
    photo = np.full((96, 72, 3), random.integers(90, 220, 3), np.uint8)
    matte = np.zeros((96, 72), np.uint8)
    for image, colour in ((photo, (60, 120, 200)), (matte, 255)):
        cv2.circle(image, (36, 34 + number), 16, colour, -1, cv2.LINE_AA)
        cv2.ellipse(image, (36, 96), (26, 36), 0, 0, 360, colour, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(photo, (5, 5), 0), matte


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of drawn people with odd names, in a folder with an odd name."""
    folder = tmp_path_factory.mktemp("data") / ODD[0]
    for number, name in enumerate(ODD):
        for part, image in zip(("image", "mask"), portrait(number), strict=True):
            (folder / part).mkdir(parents=True, exist_ok=True)
            (folder / part / f"{name}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    return folder


def check_output(done: Any, code: int = 0) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for text in (done.stdout, done.stderr):
        assert all(char.isprintable() or char == "\n" for char in text)


def test_evaluate(data: Path, tmp_path: Path) -> None:
    check_output(run("mmnet", "evaluate", "-m", MODEL, "-d", data, "--json", tmp_path / "figures.json"))
    written = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert sorted(written["models"][0]["images"]) == sorted(ODD)
    done = run("mmnet", "evaluate", "-m", MODEL, "-d", data, "--json", "-")
    check_output(done)
    assert json.loads(done.stdout)["data"] == written["data"]


def test_evaluate_names_what_is_bad(data: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    for part in ("image", "mask"):
        (bad / part).mkdir(parents=True)
        for name in ODD:
            content = (data / part / f"{name}.png").read_bytes()
            (bad / part / f"{name}.png").write_bytes(content if part == "image" else content[:60])
    done = run("mmnet", "evaluate", "-m", MODEL, "-d", bad)
    check_output(done, 1)
    assert len(done.stderr.splitlines()) == len(ODD), "every one is named, in a line of its own"
    assert r"caf\xe9.png" in done.stderr


def test_parity(data: Path, tmp_path: Path) -> None:
    files = ["--json", tmp_path / "parity.json", "--report", tmp_path / f"{ODD[0]}.html"]
    done = run("mmnet", "parity", MODEL, MODEL, "-d", data, *files)
    check_output(done, done.returncode)
    assert done.returncode in (0, 1)
    written = json.loads((tmp_path / "parity.json").read_text(encoding="utf-8"))
    assert len(written["images"]) == len(ODD)
    page = (tmp_path / f"{ODD[0]}.html").read_text(encoding="utf-8")
    assert "\x1b" not in page


def test_data_commands(data: Path, tmp_path: Path) -> None:
    done = run("mmnet", "data", "check", data, "--json", tmp_path / "check.json")
    check_output(done, done.returncode)
    assert done.returncode in (0, 1)
    assert json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))["sources"][0]["pairs"] == len(ODD)
    check_output(run("mmnet", "data", "pack", data, "-o", tmp_path / f"{ODD[1]}.npz", "--size", 32))
    check_output(
        run("mmnet", "data", "preview", tmp_path / f"{ODD[1]}.npz", "-o", tmp_path / "s.png", "--size", 32, "--rows", 1)
    )
    check_output(run("mmnet", "data", "preview", data, "-o", tmp_path / "t.png", "--size", 32, "--rows", 1))
    check_output(
        run(
            "mmnet",
            "data",
            "sequences",
            data,
            tmp_path / ODD[2],
            "--count",
            2,
            "--frames",
            2,
            "--size",
            "64x64",
            "--json",
        )
    )


def test_matte_and_batch_on_a_terminal_s_encoding(data: Path, tmp_path: Path) -> None:
    done = run("mmnet", "matte", data / "image", "-o", tmp_path / ODD[0], "--json")
    check_output(done)
    assert len(list((tmp_path / ODD[0]).iterdir())) == len(ODD)
    assert len(json.loads(done.stdout)["results"]) == len(ODD)
