"""`mmnet matte -`: a photo from standard input, the result on standard output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import PATIENCE


def piped(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [str(Path(sys.executable).with_name("mmnet")), "matte", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE, **options)


def test_bytes_are_those_of_files(mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    for options, extension in (([], "png"), (["-b", "blur"], "jpg")):
        file = tmp_path / f"file.{extension}"
        assert mmnet("matte", photo, "-m", tiny_model, *options, "-o", file, "-f").returncode == 0
        with photo.open("rb") as stream:
            done = piped("-", "-m", tiny_model, *options, "-q", stdin=stream)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == file.read_bytes()
    to_stdout = piped(photo, "-m", tiny_model, "-o", "-")
    assert cv2.imdecode(np.frombuffer(to_stdout.stdout, np.uint8), cv2.IMREAD_UNCHANGED).shape == (160, 200)


def test_standard_input_into_a_file(mmnet: Any, photo: Path, tiny_model: Path, tmp_path: Path) -> None:
    with photo.open("rb") as stream:
        done = mmnet("matte", "-", "-m", tiny_model, "-o", tmp_path / "out.png", stdin=stream)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'out.png'}\n")


def test_messages_name_standard_input(mmnet: Any, tiny_model: Path) -> None:
    done = mmnet("matte", "-", "-m", tiny_model, input="no photo")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: standard input: ")


def test_what_does_not_go_together(mmnet: Any, photo: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (["-", photo], "name one source"),
        ([photo, photo, "-o", "-"], "name one source"),
        ([tmp_path, "-o", "-"], "name one source"),
        (["-", "--json"], "name a file for the result"),
        (["--camera", "0", "-o", "-"], "--camera needs a file to write"),
    ):
        done = mmnet("matte", *arguments, stdin=subprocess.DEVNULL)
        assert done.returncode == 2
        assert message in " ".join(done.stderr.replace("│", " ").split())


def test_a_closed_standard_input_is_said(tiny_model: Path) -> None:
    done = piped("-", "-m", tiny_model, preexec_fn=lambda: os.close(0))
    assert done.returncode == 2
    assert b"standard input is closed" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here: a full disk was not tested")
def test_a_full_disk_behind_the_result_is_said(photo: Path, tiny_model: Path) -> None:
    command = [str(Path(sys.executable).with_name("mmnet")), "matte", str(photo), "-m", str(tiny_model), "-o", "-"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=PATIENCE)
    assert done.returncode == 74
    assert done.stderr.splitlines()[-1] == b"error: standard output: cannot be written: No space left on device"
