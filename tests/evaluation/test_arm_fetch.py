"""Fetching of pinned packages: only the right bytes, whole or not at all, and one line if it fails."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from support import error_line, run

from mmnet.errors import OutputError
from mmnet.evaluation.arm.environment import _keep_for_this_user, cache_folder, check_host
from mmnet.evaluation.arm.errors import FetchError, UnsupportedHostError
from mmnet.evaluation.arm.fetch import fetch
from mmnet.evaluation.arm.pins import DEBIAN, WHEEL, Pin, all_pins


def make_wheel(folder: Path, name: str, contents: str = "pass\n") -> Pin:
    """A wheel of one module, as small as pip takes it, and its pin."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    described = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", contents)
        wheel.writestr(f"{described}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{described}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{described}/RECORD", "")
    data = path.read_bytes()
    return Pin(WHEEL, name, "1.0", "all", "", len(data), hashlib.sha256(data).hexdigest(), "")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder that pip finds wheels in."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_what_is_there_is_not_fetched_again(shelf: Path, tmp_path: Path) -> None:
    pin = make_wheel(shelf, "one")
    first = fetch([pin], tmp_path / "cache")[pin]
    assert hashlib.sha256(first.read_bytes()).hexdigest() == pin.sha256
    shutil.rmtree(shelf)
    assert fetch([pin], tmp_path / "cache") == {pin: first}


def test_a_damaged_file_is_fetched_anew(shelf: Path, tmp_path: Path) -> None:
    pin = make_wheel(shelf, "one")
    path = fetch([pin], tmp_path / "cache")[pin]
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert fetch([pin], tmp_path / "cache")[pin].read_bytes() == good

    path.write_bytes(good[:100])
    shutil.rmtree(shelf)
    with pytest.raises(FetchError, match=r"one 1\.0") as told:
        fetch([pin], tmp_path / "cache")
    assert "\n" not in str(told.value)


def test_another_file_of_that_name_is_refused(shelf: Path, tmp_path: Path) -> None:
    pin = make_wheel(shelf, "one")
    make_wheel(shelf, "one", "print('what nobody pinned')\n")
    with pytest.raises(FetchError, match=r"one 1\.0") as told:
        fetch([pin], tmp_path / "cache")
    assert "\n" not in str(told.value)
    assert names(tmp_path / "cache") == []


def test_an_interrupted_fetch_goes_on(shelf: Path, tmp_path: Path) -> None:
    pins = [make_wheel(shelf, "one"), make_wheel(shelf, "two")]
    cache = tmp_path / "cache"

    def interrupt(doing: str, done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(pins, cache, interrupt)
    assert names(cache) == [pins[0].file_name]

    (cache / ".incoming-killed").mkdir()  # what a kill leaves behind
    (cache / ".incoming-killed" / "half.whl").write_bytes(b"PK")
    fetched: list[str] = []
    fetch(pins, cache, lambda doing, done, total: fetched.append(doing))
    assert len(fetched) == 1
    assert "two" in fetched[0]
    assert names(cache) == sorted(pin.file_name for pin in pins)


def test_without_pip(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin = make_wheel(shelf, "one")
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\necho "{sys.executable}: No module named pip" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(FetchError, match=r"pip cannot fetch it: .*No module named pip"):
        fetch([pin], tmp_path / "cache")


def test_without_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin = next(pin for pin in all_pins() if pin.kind == DEBIAN)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match="without apt-get, which this system does not have"):
        fetch([pin], tmp_path / "cache")


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt-get is not on this system")
def test_apt_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pin = next(pin for pin in all_pins() if pin.kind == DEBIAN)
    closed = (
        'Acquire::http::Proxy "http://127.0.0.1:9"; Acquire::https::Proxy "http://127.0.0.1:9"; Acquire::Retries 0;'
    )
    (tmp_path / "apt.conf").write_text(closed)
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    with pytest.raises(FetchError, match=r"apt-get cannot fetch it|apt has no source") as told:
        fetch([pin], tmp_path / "cache")
    assert "\n" not in str(told.value)
    assert names(tmp_path / "cache") == []


def test_apt_downloads_into_the_cache_alone(tmp_path: Path) -> None:
    """A small package of another architecture, from whatever archive this system's apt is set to."""
    pin = min((pin for pin in all_pins() if pin.kind == DEBIAN), key=lambda pin: pin.size)
    try:
        found = fetch([pin], tmp_path / "cache")
    except FetchError as error:
        pytest.skip(f"Debian's packages cannot be had: {error}")
    assert hashlib.sha256(found[pin].read_bytes()).hexdigest() == pin.sha256
    assert names(tmp_path / "cache") == [pin.file_name]


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "aarch64"), ("Windows", "AMD64")])
def test_other_hosts_are_told(system: str, machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    with pytest.raises(UnsupportedHostError, match=f"this is {system} on {machine}"):
        check_host()


def test_what_others_could_change_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "arm"
    folder.mkdir(0o777)
    folder.chmod(0o777)
    assert not _keep_for_this_user(folder)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert _keep_for_this_user(folder)
    if os.geteuid() != 0:  # root's own folders are accepted
        pytest.skip("only root can give a folder to another user")
    os.chown(folder, 12345, -1)
    with pytest.raises(OutputError, match="another user"):
        _keep_for_this_user(folder)


def test_the_cache_is_where_xdg_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "mmnet" / "arm"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the specification: to be ignored
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "mmnet" / "arm"


def test_the_pins_name_files_and_no_places() -> None:
    pins = all_pins()
    assert {"numpy", "ai-edge-litert", "opencv-python-headless", "python3.11-minimal", "qemu-user"} <= {
        pin.name for pin in pins
    }
    assert len({pin.sha256 for pin in pins}) == len(pins)
    for pin in pins:
        assert re.fullmatch("[0-9a-f]{64}", pin.sha256)
        assert "/" not in pin.name + pin.version


def test_a_command_that_can_fetch_nothing(
    uint8_model: Path, portraits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    done = run("mmnet", "arm-parity", uint8_model, "-d", portraits / "test" / "image", "--json", tmp_path / "out.json")
    assert done.returncode == 2
    assert "cannot fetch it" in error_line(done)
    assert names(tmp_path) == ["cache"]
    assert not list((tmp_path / "cache").rglob("*.whl"))
