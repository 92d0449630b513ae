"""The process of a command: streams of any kind, signals, exit codes, and no traceback."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import PATIENCE, error_line, run

MMNET = str(Path(sys.executable).with_name("mmnet"))
# `mmnet inspect` of the model that ships prints tables, symbols and JSON in no time.
MODEL = next((Path(__file__).parents[2] / "runtime" / "models").glob("*.tflite"))


def start(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"COLUMNS": "200", "NO_COLOR": "1"} | options.pop("env", {})
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": PATIENCE, "check": False} | options
    return subprocess.run([MMNET, *map(os.fsencode, map(str, arguments))], env=environment, **settings)


@pytest.fixture
def defective(tmp_path: Path) -> dict[str, str]:
    """An environment in which reading a photo with `odd` in its name raises an exception that nothing expects."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import sys, importlib.abc\n"
        "class Finder(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name != 'mmnet.runtime.imaging.photos': return None\n"
        "        sys.meta_path.remove(self)\n"
        "        from importlib.util import find_spec\n"
        "        spec = find_spec(name)\n"
        "        load = spec.loader.exec_module\n"
        "        def exec_module(module):\n"
        "            load(module)\n"
        "            whole = module._read_bytes\n"
        "            def odd(path):\n"
        "                if 'odd' in path.name: raise AssertionError('planted')\n"
        "                return whole(path)\n"
        "            module._read_bytes = odd\n"
        "        spec.loader.exec_module = exec_module\n"
        "        return spec\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture
def three(tmp_path: Path, portrait: Any) -> Path:
    folder = tmp_path / "three"
    folder.mkdir()
    for name in ("a", "odd", "z"):
        assert cv2.imwrite(str(folder / f"{name}.jpg"), portrait[::4, ::4, ::-1])
    return folder


@pytest.mark.parametrize("debug", [False, True])
def test_an_unexpected_exception_of_one_photo_fails_that_photo(
    debug: bool, three: Path, tmp_path: Path, defective: dict[str, str]
) -> None:
    more = ["--debug"] if debug else []
    done = start("matte", three, "-o", tmp_path / "out", *more, env=defective)
    assert done.returncode == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-alpha.png", "z-alpha.png"]
    text = done.stderr.decode()
    assert "odd.jpg: unexpected AssertionError: planted" in text
    assert ("Traceback" in text) == debug
    assert "2 matted, 1 failed" in text


@pytest.mark.parametrize("place", ["evaluate", "parity", "data check"])
def test_an_unexpected_exception_of_one_pair_is_that_pair_s_problem(
    place: str, three: Path, tmp_path: Path, defective: dict[str, str]
) -> None:
    data = tmp_path / "data"
    (data / "mask").mkdir(parents=True)
    three.rename(data / "image")
    for photo in (data / "image").iterdir():
        height, width = cv2.imread(str(photo)).shape[:2]
        matte = np.zeros((height, width), np.uint8)
        cv2.ellipse(matte, (width // 2, height // 2), (width // 3, height // 3), 0, 0, 360, 255, -1, cv2.LINE_AA)
        assert cv2.imwrite(str(data / "mask" / f"{photo.stem}.png"), matte)
    command: dict[str, list[object]] = {
        "evaluate": ["evaluate", "-m", MODEL, "-d", data],
        "parity": ["parity", MODEL, MODEL, "-d", data],
        "data check": ["data", "check", data],
    }
    done = start(*command[place], env=defective)
    text = (done.stdout + done.stderr).decode()
    assert done.returncode == (2 if place == "parity" else 1)
    assert "odd.jpg: unexpected AssertionError: planted" in text
    assert "Traceback" not in text
    assert ("a.jpg" in text) == (place == "data check")  # only where copies are found among the three


def test_an_unexpected_exception_of_a_whole_command_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import mmnet.runtime.tflite.inspection as place\n"
        "def fail(path): raise ZeroDivisionError('planted')\n"
        "place.inspect_model = fail\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = start("inspect", MODEL, env=environment)
    assert done.returncode == 70
    assert done.stderr.decode() == "error: unexpected ZeroDivisionError: planted (mmnet --debug shows where)\n"
    for arguments in (["--debug", "inspect", MODEL], ["inspect", "--debug", MODEL], ["inspect", MODEL, "--debug"]):
        done = start(*arguments, env=environment)
        assert done.returncode == 70
        assert "in fail" in done.stderr.decode()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8:strict"])
@pytest.mark.parametrize("as_json", [False, True])
def test_any_encoding_of_standard_output_will_do(encoding: str, as_json: bool, tmp_path: Path) -> None:
    more = ["--json"] if as_json else []
    done = start("inspect", MODEL, *more, env={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding.partition(":")[0])
    assert len(text) > 500
    assert start("inspect", "--help", env={"PYTHONIOENCODING": encoding}).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here: a full disk was not tested")
def test_a_full_disk_behind_standard_output(three: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = start("matte", three, "-o", tmp_path / "out", "--json", stdout=full)
        assert done.returncode == 74
        lines = done.stderr.decode().splitlines()
        assert lines[-1] == "error: standard output: cannot be written: No space left on device"
        assert len(list((tmp_path / "out").iterdir())) == 3, "the work is not lost"
        assert start("inspect", MODEL, stderr=full).returncode == 0
        assert start("inspect", "nosuch", stdout=full, stderr=full).returncode == 1
        assert start("--version", stdout=full).returncode == 74


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_closed_streams(closed: int, three: Path, tmp_path: Path) -> None:
    def close() -> None:
        os.close(closed)

    settings = {name: None for number, name in enumerate(("stdin", "stdout", "stderr")) if number == closed}
    done = start("matte", three / "a.jpg", "-o", tmp_path / "out.png", preexec_fn=close, **settings)
    assert done.returncode == 0
    assert cv2.imread(str(tmp_path / "out.png")) is not None


def test_results_that_go_to_a_closed_standard_output_are_no_success(three: Path) -> None:
    settings: dict[str, Any] = {"preexec_fn": lambda: os.close(1), "stdout": None}
    for arguments in (["inspect", MODEL], ["inspect", MODEL, "--json"], ["--version"]):
        done = start(*arguments, **settings)
        assert done.returncode == 74
        assert done.stderr == b"error: standard output: cannot be written: it is closed\n"
    done = start("matte", three / "a.jpg", "-o", "-", **settings)
    assert done.returncode == 2
    assert b"standard output is closed" in done.stderr


@pytest.mark.parametrize("columns", ["0", "00", "", "nonsense", "-5"])
def test_a_terminal_of_no_width_shows_everything(columns: str, tmp_path: Path) -> None:
    environment = {"COLUMNS": columns, "LINES": "0"}
    shown = start("inspect", MODEL, env=environment)
    assert b"multiply-adds" in shown.stdout
    assert b"error: " in start("inspect", tmp_path / "gone", env=environment).stderr
    assert b"Usage" in start("matte", "--help", env=environment).stdout


def test_a_closed_pipe_ends_a_command_silently() -> None:
    for arguments in (["inspect", MODEL], ["inspect", MODEL, "--json"], ["--help"], ["train", "--help"]):
        read, write = os.pipe()
        os.close(read)
        done = start(*arguments, stdout=write)
        os.close(write)
        assert (done.returncode, done.stderr) == (141, b"")


def on_terminal(*arguments: object) -> tuple[int, bytes]:
    """Run a command on a terminal and return its exit code and all that the terminal got."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [MMNET, *map(os.fsencode, map(str, arguments))], stdout=other, stderr=other, env=os.environ | {"NO_COLOR": "1"}
    )
    os.close(other)
    got = b""
    try:
        while part := os.read(main, 1 << 16):
            got += part
    except OSError:  # the terminal is closed
        pass
    os.close(main)
    return process.wait(PATIENCE), got


EVIL = "a\x1b]0;owned\x07\x9b31m\u202e"


def test_no_name_executes_anything_on_the_terminal(tmp_path: Path, portrait: Any) -> None:
    evil = tmp_path / "in" / f"{EVIL}.jpg"
    evil.parent.mkdir()
    evil.write_bytes(cv2.imencode(".jpg", portrait[::8, ::8])[1].tobytes())
    (tmp_path / "in" / f"{EVIL}-broken.jpg").write_text("no photo")
    shown = []
    for arguments in (
        ["matte", evil, "-o", tmp_path / f"{EVIL}.png"],
        ["matte", tmp_path / "in", "-o", tmp_path / "out"],
        ["matte", tmp_path / "in", "-o", tmp_path / "out", "--json"],
        ["matte", evil, "--no-such" + EVIL],
        ["matte", evil, evil, "-o", evil],
        ["no-such" + EVIL],
        ["inspect", evil],
        ["evaluate", "-m", MODEL, "-d", tmp_path / EVIL],
        ["data", "check", tmp_path / "in"],
    ):
        shown.append(on_terminal(*arguments)[1])
        for sequence in (b"\x1b]0;owned", b"\x07", "\x9b".encode(), "\u202e".encode()):
            assert sequence not in shown[-1], arguments
    assert rb"\x1b]0;owned\x07\x9b31m" in shown[0], "the name itself is shown"
    through = start("matte", evil, "-o", tmp_path / f"{EVIL}.png", "-f").stdout
    assert through == os.fsencode(tmp_path / f"{EVIL}.png") + b"\n", "a program gets the name itself"


def test_names_that_are_not_utf_8(tmp_path: Path, portrait: Any) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    content = cv2.imencode(".jpg", portrait[::8, ::8])[1].tobytes()
    name = b"caf\xe9.jpg"
    (folder / "a.jpg").write_bytes(content)
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(content)
    for encoding in ("utf-8:strict", "ascii"):
        more = {"env": {"PYTHONIOENCODING": encoding}}
        done = start("matte", folder, "-o", tmp_path / encoding, "--json", **more)
        assert done.returncode == 0, done.stderr
        assert rb"caf\udce9.jpg" in done.stdout
        assert sorted(os.fsencode(path.name) for path in (tmp_path / encoding).iterdir()) == [
            b"a-alpha.png",
            b"caf\xe9-alpha.png",
        ]
        done = start("matte", folder / os.fsdecode(name), "-o", tmp_path / "one.png", "-f", **more)
        assert done.returncode == 0, done.stderr


# Sends a signal to itself at the nth import of a module of the command; prints how many there are where n is larger.
SIGNALLED = """
import builtins, os, signal, sys
import mmnet.cli.process.interrupts
number, which = int(sys.argv.pop(1)), int(sys.argv.pop(1))
signal.signal(signal.SIGINT, signal.default_int_handler)
class Finder:
    count = 0
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        cls.count += 1
        if cls.count == which:
            os.kill(os.getpid(), number)
sys.meta_path.insert(0, Finder)
from mmnet.cli.main import main
try:
    main()
finally:
    print(Finder.count)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_of_the_start_ends_without_a_word(number: int, tmp_path: Path) -> None:
    """Signals reach imports, too; only Python's own start is out of reach."""

    def signalled(which: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", SIGNALLED, number, which, "export", "--ckpt", tmp_path / "gone"]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=PATIENCE)

    imports = int(signalled(0).stdout)
    assert imports > 20
    for which in range(2, imports, imports // 6):  # the first is mmnet.cli.main, which makes the rest silent
        done = signalled(which)
        assert done.returncode in (-number, 128 + number)
        assert done.stderr == ""


def test_an_error_is_one_line(tmp_path: Path) -> None:
    assert "gone.tflite" in error_line(run("mmnet", "inspect", tmp_path / "gone.tflite"))
