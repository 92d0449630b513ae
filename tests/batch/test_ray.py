"""The commands on a Ray cluster: two cores of this machine, started once."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from batch_results import contents, ledger
from skimage.data import astronaut
from support import PATIENCE, held, run

pytestmark = pytest.mark.slow

pytest.importorskip("ray", reason="Ray is not installed: jobs on Ray were not tested; install mmnet[ray]")


_CLUSTER = """
import sys
import ray
from contextlib import ExitStack
from mmnet.batch.pool import _local_options
from mmnet.files import temporary_folder
with ExitStack() as stack:
    ray.init(**_local_options(stack.enter_context(temporary_folder(short=True)), 2), log_to_driver=False)
    stack.callback(ray.shutdown)
    print("address", ray.get_runtime_context().gcs_address, flush=True)
    sys.stdin.read()
"""
COPIES, KINDS = 24, 8


@pytest.fixture(scope="module", autouse=True)
def _token() -> Iterator[None]:
    """The cluster asks for a token, which only these tests know, so that nobody else gives it work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # or Ray's client asks the machine's public address
        patch.delenv("RAY_ADDRESS", raising=False)
        yield


@pytest.fixture(scope="module")
def cluster(_token: None) -> Iterator[subprocess.Popen[str]]:
    """A cluster of two cores; its `args[-1]` is the address."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CLUSTER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0"},
    )
    assert process.stdout is not None
    said = next((line for line in process.stdout if line.startswith("address ")), "")
    assert said, "Ray did not start"
    process.args = said.split()
    yield process
    process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def address(cluster: subprocess.Popen[str]) -> str:
    """The address of the cluster."""
    return str(list(cluster.args)[-1])


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough photos to interrupt a job: copies of a few."""
    folder = tmp_path_factory.mktemp("many")
    image = astronaut()[:, :, ::-1]
    for kind in range(KINDS):
        path = folder / f"k{kind}" / "c0.jpg"
        path.parent.mkdir()
        assert cv2.imwrite(str(path), image[8 * kind :])
        for copy in range(1, COPIES):
            shutil.copy(path, path.with_name(f"c{copy}.jpg"))
    return folder


@pytest.fixture(scope="module")
def matted(many: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The result of `mmnet matte` for each photo, as the expected result of all its copies."""
    out = tmp_path_factory.mktemp("matted")
    expected = {}
    for kind in range(KINDS):
        assert run("mmnet", "matte", many / f"k{kind}" / "c0.jpg", "-o", out / f"{kind}.png").returncode == 0
        for copy in range(COPIES):
            expected[f"k{kind}/c{copy}-alpha.png"] = (out / f"{kind}.png").read_bytes()
    return expected


# `mmnet ARGUMENTS…`, which waits before it records the outcome of the third task.
WORKING = """
import mmnet.batch.job as part
hold(part._Run, "_record", 3)
from mmnet.cli.main import main
main()
"""


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
    """Return the first true value of `condition` while a command runs."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := condition():
            return value
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError("nothing happened")


def results(out: Path) -> dict[Path, int]:
    """Return the results that exist, with the time of each."""
    return {path: path.stat().st_mtime_ns for path in out.glob("k*/*.png")}


def actors(cluster: subprocess.Popen[str]) -> list[int]:
    """Return the processes of the workers."""
    parents, names = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(entry.name)] = (entry / "cmdline").read_bytes()
        except OSError:
            continue

    def is_ours(process: int) -> bool:
        return process == cluster.pid or (process in parents and is_ours(parents[process]))

    return [process for process, name in names.items() if name.startswith(b"ray::MapWorker") and is_ours(process)]


def check_complete(out: Path, matted: dict[str, bytes]) -> None:
    assert contents(out) == matted
    outputs = [line["output"] for line in ledger(out)]
    assert sorted(outputs) == sorted(matted), "every result is recorded once"
    assert not list(out.rglob(".mmnet-*")), "no temporary file is left"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_ended_job_continues(
    how: signal.Signals, address: str, many: Path, matted: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with held(WORKING, "batch", many, out, "--address", address) as process:
        assert len(results(out)) >= 3
        process.send_signal(how)
        _, errors = process.communicate(timeout=PATIENCE)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert errors.startswith("interrupted: ")
        assert "the same command continues" in errors
        assert len(errors.splitlines()) == 1
    # A result may have been written, and not recorded any more: it is made again.
    recorded = {line["output"] for line in ledger(out)}
    before = {path: written for path, written in results(out).items() if str(path.relative_to(out)) in recorded}
    assert before or how == signal.SIGKILL
    assert len(before) < len(matted)
    done = run("mmnet", "batch", many, out, "--address", address, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["total"], summary["failed"], summary["left"]) == (len(matted), 0, 0)
    assert summary["done"] + summary["skipped"] == len(matted)
    assert summary["skipped"] >= len(before)
    if how == signal.SIGINT:  # the workers of a driver that was killed may have ended their image first
        assert {path: written for path, written in results(out).items() if path in before} == before
    check_complete(out, matted)


def test_a_worker_that_dies_is_replaced(
    cluster: subprocess.Popen[str], address: str, many: Path, matted: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with held(WORKING, "batch", many, out, "--address", address, "--json") as process:
        os.kill(wait_for(lambda: actors(cluster), process)[0], signal.SIGKILL)
        process.send_signal(signal.SIGUSR1)
        text, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    summary = json.loads(text)
    assert (summary["done"], summary["failed"], summary["workers"]) == (len(matted), 0, 2)
    assert errors == f"{len(matted)} matted, 0 failed, 0 skipped\n"
    check_complete(out, matted)


def test_evaluation_gives_the_same_results(address: str, many: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for part in ("image", "mask"):
        (data / part).mkdir(parents=True)
    for kind in range(KINDS):
        shutil.copy(many / f"k{kind}" / "c0.jpg", data / "image" / f"p{kind}.jpg")
        matte = np.zeros((512 - 8 * kind, 512), np.uint8)
        cv2.circle(matte, (256, 200), 120 + kind, 255, -1)
        assert cv2.imwrite(str(data / "mask" / f"p{kind}.png"), matte)
    model = Path(__file__).parents[2] / "runtime" / "models" / "mmnet-1.0-256-int8.tflite"
    documents = []
    for more in ([], ["--ray", "--address", address]):
        done = run("mmnet", "evaluate", "-m", model, "-d", data, "--json", "-", *more, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        documents.append(json.loads(done.stdout))
    assert documents[0].pop("command") != documents[1].pop("command")
    assert documents[0] == documents[1]

    (data / "image" / "p3.jpg").write_bytes(b"\xff\xd8\xff")
    done = run("mmnet", "evaluate", "-m", model, "-d", data, "--ray", "--address", address, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (1, "")
    assert "p3.jpg" in done.stderr


def test_on_this_machine_alone(many: Path, matted: dict[str, bytes], tmp_path: Path) -> None:
    """The command starts and stops Ray; one image is bad."""
    source, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(many / "k1", source / "k1")
    (source / "bad.jpg").touch()
    places = f"file://{source}", f"file://{out}"
    done = run("mmnet", "batch", *places, "--address", "local", "--workers", 1, timeout=PATIENCE)
    assert done.returncode == 1
    first, summary, hint = done.stderr.splitlines()
    assert first == "error: bad.jpg: is empty (0 bytes)"
    assert summary == f"{COPIES} matted, 1 failed, 0 skipped"
    assert "errors.jsonl" in hint
    results = contents(out)
    results.pop("errors.jsonl")
    assert results == {name: content for name, content in matted.items() if name.startswith("k1/")}
    assert len(ledger(out)) == COPIES + 1


def test_a_missing_cluster_gives_one_line(many: Path, tmp_path: Path) -> None:
    done = run("mmnet", "batch", many, tmp_path / "out", "--address", "127.0.0.1:1", timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: 127.0.0.1:1: Ray cannot be reached: ")
    assert len(done.stderr.splitlines()) == 1


def descendants(process: int) -> set[int]:
    """Return the processes that a process started, and those that they started."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def command_of(process: int) -> bytes:
    """Return the command line of a process; nothing if it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def listening(processes: set[int]) -> set[str]:
    """Return the addresses, as hexadecimal digits, that TCP sockets of some processes listen on."""
    inodes = set()
    for process in processes:
        with contextlib.suppress(OSError):
            for link in Path(f"/proc/{process}/fd").iterdir():
                with contextlib.suppress(OSError):
                    inodes.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="there is no /proc: open ports were not looked for")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_ray_on_this_machine_is_closed_to_others_and_leaves_nothing(
    how: signal.Signals, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It listens on the loopback interface, asks for a token that only this user can read, and needs no home."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "gone"))
    out = tmp_path / "out"
    with held(WORKING, "batch", many, out, "--address", "local", "--workers", 1) as process:
        children = descendants(process.pid)
        commands = b"\n".join(map(command_of, children))
        (folder,) = {Path(os.fsdecode(name)) for name in re.findall(rb"/tmp/mmnet-tmp-[0-9a-f]{8}", commands)}
        token = folder / "token"
        assert (folder.stat().st_mode & 0o777, token.stat().st_mode & 0o777) == (0o700, 0o600)
        assert len(token.read_text()) == 64
        assert listening(children)
        assert listening(children) <= LOOPBACK
        process.send_signal(how)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == (143 if how == signal.SIGTERM else -9)
    if how == signal.SIGTERM:
        assert "the same command continues" in errors
        assert "Traceback" not in errors
        assert not folder.exists()
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    done = run("mmnet", "batch", many / "k0", tmp_path / "other", "--address", "local", "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert not folder.exists(), "the next run removes what a killed one left"
    assert not list(out.rglob(".mmnet-*")) or how == signal.SIGKILL


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.1)


def test_a_client_without_the_token_runs_nothing(cluster: subprocess.Popen[str], address: str) -> None:
    code = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False); print('in', flush=True)"
    for token, may in ((secrets.token_hex(32), False), (os.environ["RAY_AUTH_TOKEN"], True)):
        tried = subprocess.run(
            [sys.executable, "-c", code, address],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env=os.environ | {"RAY_AUTH_TOKEN": token},
        )
        assert ("in" in tried.stdout.split()) == may, tried.stderr
