"""The fuzz driver: it sees every kind of find, its mutators keep their promises, and each format survives some."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
from support import ROOT

sys.path.insert(0, str(ROOT / "tools"))

from fuzzing import cases, mutators, seeds
from fuzzing.cases import run_case

from mmnet.errors import MMNetError

FINDS = Path(__file__).with_name("finds")


def refuse(path: Path) -> None:
    raise MMNetError(f"{path}: no")


def refuse_in_two_lines(path: Path) -> None:
    raise MMNetError("one\ntwo")


def fail(path: Path) -> None:
    raise KeyError(path.name)


def crash(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def be_slow(path: Path) -> None:
    time.sleep(60)


def be_large(path: Path) -> None:
    bytearray(path.stat().st_size * (1 << 20))


def leave_a_file(path: Path) -> None:
    path.with_suffix(".tmp").touch()


@pytest.mark.parametrize(
    ("target", "kind", "detail"),
    [
        (lambda path: None, "passed", ""),
        (refuse, "passed", ""),
        (refuse_in_two_lines, "traceback", "several lines"),
        (fail, "traceback", "KeyError: 'a.bin'"),
        (crash, "signal", "SIGSEGV"),
        (be_slow, "slow", "s"),
        (be_large, "large", "MiB"),
        (leave_a_file, "left", "a.tmp"),
    ],
)
def test_every_kind_of_find_is_seen(monkeypatch, target, kind, detail):
    monkeypatch.setattr(cases, "SLOW_SECONDS", 5.0)
    monkeypatch.setattr(cases, "_KILLED_AFTER", 6.0)
    monkeypatch.setattr(cases, "LARGE_BYTES", 1 << 29)
    outcome = run_case(target, "a.bin", bytes(600))
    assert (outcome.kind, outcome.refused) == (kind, target is refuse)
    assert detail in outcome.detail


def test_the_memory_of_the_driver_and_a_busy_machine_are_not_charged_to_a_case(monkeypatch):
    """A child begins with the memory of its parent, and may wait for a processor."""
    ballast = bytearray(os.urandom(1 << 20) * 256)
    monkeypatch.setattr(cases, "LARGE_BYTES", 1 << 27)
    assert run_case(refuse, "a.bin", b"").kind == "passed"
    monkeypatch.setattr(cases, "_seconds_in_queue", lambda process: 100.0)
    monkeypatch.setattr(cases, "SLOW_SECONDS", 0.0)
    assert run_case(refuse, "a.bin", b"").kind == "passed"
    assert len(ballast) == 1 << 28


@pytest.mark.parametrize(
    "mutate", [mutators.mutate_bytes, mutators.mutate_front, mutators.mutate_back], ids=lambda one: one.__name__
)
def test_mutators_change_bytes_and_the_same_case_gives_the_same_bytes(mutate):
    data = bytes(range(256)) * 40
    changed = [mutate(data, Random(number)) for number in range(100)]
    assert changed == [mutate(data, Random(number)) for number in range(100)]
    assert sum(one != data for one in changed) > 80


def test_mutated_models_stay_flatbuffers():
    data = seeds.models()["model.tflite"]
    changed = [mutators.mutate_model(data, Random(number)) for number in range(8)]
    assert all(one[4:8] == b"TFL3" for one in changed)
    assert len(set(changed)) > 5


def test_every_document_has_a_reader():
    from fuzzing.targets import FORMATS

    for name, content in seeds.documents().items():
        json.loads(content)
        for target in FORMATS["json"].targets(name):
            assert run_case(target, name, content).kind == "passed"


@pytest.mark.slow
@pytest.mark.parametrize("chosen", ["tflite", "safetensors", "tfslim", "json", "pack", "image", "video", "parquet"])
def test_some_cases_of_every_format(tmp_path, chosen):
    """A few seconds of each; `.ci/run` spends two minutes on all of them."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "fuzz.py", chosen, "--cases", "12", "--seconds", "60", "--keep", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["passed"] == counts["cases"] > 0
    assert not list(tmp_path.iterdir())


def test_an_unknown_format_lists_the_known_ones():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "fuzz.py", "pdf", "--cases", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "tflite, inspect, safetensors" in done.stderr


def test_finds_of_earlier_runs_stay_solved():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "fuzz.py", "--replay", FINDS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    files = [path for path in FINDS.rglob("*") if path.is_file()]
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["passed"] == counts["cases"] >= len(files) > 0


def test_a_find_that_came_back_is_told(tmp_path):
    (tmp_path / "empty").mkdir()
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "fuzz.py", "--replay", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no files" in done.stderr
    (tmp_path / "empty" / "pdf-a.pdf").touch()
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "fuzz.py", "--replay", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pdf-a.pdf" in done.stderr
