"""How much commands print: --verbose, --quiet, --debug, wherever they stand, and the completion of shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import run

from mmnet.cli.process.log import Loudness, take_log_options


@pytest.mark.parametrize(
    ("arguments", "loudness", "left"),
    [
        (["mmnet", "matte", "a.jpg"], Loudness(), ["mmnet", "matte", "a.jpg"]),
        (["mmnet", "-q", "matte", "a.jpg"], Loudness(quiet=True), ["mmnet", "matte", "a.jpg"]),
        (["mmnet", "matte", "-v", "a.jpg", "--debug"], Loudness(True, True), ["mmnet", "matte", "a.jpg"]),
        (["mmnet", "matte", "--", "-q"], Loudness(), ["mmnet", "matte", "--", "-q"]),
    ],
)
def test_options_of_the_log(arguments: list[str], loudness: Loudness, left: list[str]) -> None:
    assert take_log_options(arguments) == loudness
    assert arguments == left


def test_verbose_and_quiet(photos: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    shutil.copy(photos / "photo00.jpg", photo)
    (tmp_path / "notes.txt").write_text("left out")
    loud = run("mmnet", "matte", tmp_path, "-o", tmp_path / "out", "-v")
    assert loud.returncode == 0
    assert "photo.jpg: matted into" in loud.stderr
    assert "the command took" in loud.stderr
    assert "1 matted, 0 failed" in loud.stderr
    quiet = run("mmnet", "matte", tmp_path, "-o", tmp_path / "out", "--force", "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    failed = run("mmnet", "matte", tmp_path, "-o", tmp_path / "out", "-q")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: ")
    assert failed.stderr.count("\n") == 1


def test_shells_complete_commands_and_options() -> None:
    program = Path(sys.executable).with_name("mmnet")

    def completions(words: str) -> list[str]:
        variables = {"_MMNET_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        done = subprocess.run([program], env=os.environ | variables, capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert completions("mmnet ma") == ["matte"]
    assert completions("mmnet export --form") == ["--format"]
