"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import PATIENCE

from mmnet import files
from mmnet.errors import OutputError, OutputExistsError
from mmnet.files import atomic_file, atomic_folder, check_writable, sweep_leftovers, temporary_folder


def test_a_file_appears_whole(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a.bin") as temporary:
        temporary.write_bytes(b"new")
        assert not (tmp_path / "a.bin").exists()
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        with atomic_file(tmp_path / "a") as temporary:
            temporary.write_text("")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_happens_the_old_file_stays(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a").write_text("old")

    def write_half() -> None:
        with atomic_file(tmp_path / "a") as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    for content in ("one", "two"):
        with atomic_folder(tmp_path / "f") as temporary:
            (temporary / content).write_text(content)
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["two"]
    with pytest.raises(ValueError, match="stop"), atomic_folder(tmp_path / "f"):
        raise ValueError("stop")
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["two"]
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("force", [True, False])
def test_devices_and_pipes_are_never_replaced(tmp_path: Path, force: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="device or a pipe"):
        check_writable(pipe, force=force)
    with pytest.raises(OutputError, match="device or a pipe"), atomic_file(pipe):
        pass
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_an_unwritable_output_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(OutputExistsError, match="force=True"):
        check_writable(tmp_path / "a", force=False)
    check_writable(tmp_path / "a", force=True)
    with pytest.raises(OutputError, match="does not exist"):
        check_writable(tmp_path / "b" / "c", force=False)
    # The folders above a folder are made with it.
    check_writable(tmp_path / "b" / "c" / "d", force=False, folder=True)
    for inside in (tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"):
        with pytest.raises(OutputError, match="a is a file; name another folder"):
            check_writable(inside, force=False, folder=True)
    for folder, path in ((False, tmp_path), (True, tmp_path / "a")):
        with pytest.raises(OutputError, match="name a folder" if folder else "name a file"):
            check_writable(path, force=True, folder=folder)
    check_writable(tmp_path, force=True, folder=True)
    with pytest.raises(OutputError, match="is a folder"), atomic_file(tmp_path):
        pass


def test_the_longest_name_that_a_file_can_have_works(tmp_path: Path) -> None:
    for length in (240, 255):
        name = "ä" * ((length - 4) // 2) + "." + "x" * (3 + (length - 4) % 2)
        assert len(os.fsencode(name)) == length
        with atomic_file(tmp_path / name) as temporary:
            temporary.write_text("content")
        with atomic_folder(tmp_path / name[:-1]) as folder:
            (folder / "a").touch()
    long = tmp_path / ("x" * 256)
    for refused in (atomic_file, atomic_folder):
        with pytest.raises(OutputError, match="has 256 bytes"), refused(long):
            pass
    with pytest.raises(OutputError, match="shorten it"):
        check_writable(long, force=True)
    assert all(not path.name.startswith(".") for path in tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_of_several_writers_that_may_not_replace_one_succeeds(tmp_path: Path, kind: str) -> None:
    path, barrier = tmp_path / "a", threading.Barrier(8)
    writer = atomic_file if kind == "file" else atomic_folder

    def write(number: int) -> bool:
        try:
            with writer(path, replace=False) as temporary:
                (temporary if kind == "file" else temporary / "in").write_text(str(number))
                barrier.wait(PATIENCE)
        except OutputExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(8)))
    assert won.count(True) == 1
    assert (path if kind == "file" else path / "in").read_text() == str(won.index(True))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_of_several_writers_that_replace_the_last_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "f"

    def write(number: int) -> None:
        with atomic_folder(path) as folder:
            for name in "ab":
                (folder / name).write_text(str(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(40)))
    assert (path / "a").read_text() == (path / "b").read_text()
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_without_hard_links_one_writer_succeeds_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*paths: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    with atomic_file(tmp_path / "a", replace=False) as temporary:
        temporary.write_text("one")
    with pytest.raises(OutputExistsError), atomic_file(tmp_path / "a", replace=False) as temporary:
        temporary.write_text("two")
    assert (tmp_path / "a").read_text() == "one"


def test_the_content_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is synced, then renamed, then its folder is synced; all files of a folder before the folder's name."""
    steps: list[str] = []
    sync, replace, rename = os.fsync, Path.replace, Path.rename
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder"}

    def noted(handle: int) -> None:
        steps.append(kinds[stat.S_IFMT(os.fstat(handle).st_mode)])
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)

    def naming(call: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def named(source: Path, target: Path) -> Path:
            steps.append("name")
            return call(source, target)

        return named

    monkeypatch.setattr(Path, "replace", naming(replace))
    monkeypatch.setattr(Path, "rename", naming(rename))
    with atomic_file(tmp_path / "a") as temporary:
        temporary.write_text("content")
    assert steps == ["file", "name", "folder"]
    steps.clear()
    with atomic_folder(tmp_path / "f") as folder:
        (folder / "in").mkdir()
        with atomic_file(folder / "in" / "a") as temporary:  # synced once, with the folder
            temporary.write_text("content")
        (folder / "b").write_text("content")
    assert steps == ["name", "file", "folder", "file", "folder", "name", "folder"]


KILLED = """
import os, sys
from pathlib import Path
from mmnet.files import atomic_file, atomic_folder, temporary_folder
place = Path(sys.argv[1])
with atomic_file(place / "a.png") as file, atomic_folder(place / "f") as folder, temporary_folder() as shared:
    file.write_text("half")
    (folder / "half").write_text("half")
    print(shared, flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_writer_left_is_removed_by_the_next_and_only_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, shared = tmp_path / "place", tmp_path / "shared"
    place.mkdir()
    shared.mkdir()
    monkeypatch.setenv("TMPDIR", str(shared))
    monkeypatch.setattr(tempfile, "tempdir", None)
    (place / ".mmnet-notes").write_text("of somebody else")
    (shared / "mmnet-data").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        before = set(place.iterdir())
        assert len(before) == 3
        sweep_leftovers(place)
        assert before == set(place.iterdir()), "a living writer keeps its files"
        process.communicate("\n", timeout=PATIENCE)
    assert process.returncode == -9
    files._swept.clear()
    with atomic_file(place / "b") as temporary, temporary_folder() as other:
        temporary.write_text("content")
        assert sorted(shared.iterdir()) == sorted([other, shared / "mmnet-data"])
        assert stat.S_IMODE(other.stat().st_mode) == 0o700
    assert sorted(path.name for path in place.iterdir()) == [".mmnet-notes", "b"]
    assert not folder.exists()


def test_a_folder_that_a_killed_writer_had_set_aside_comes_back(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from mmnet.files import atomic_folder\n"
        "rename = Path.rename\n"
        "def dies(self, to):\n"
        "    if to.name == 'f' and self.name.startswith('.mmnet-'): os.kill(os.getpid(), 9)\n"
        "    return rename(self, to)\n"
        "Path.rename = dies\n"
        "with atomic_folder(Path(sys.argv[1]) / 'f') as folder: (folder / 'new').touch()\n"
    )
    with atomic_folder(tmp_path / "f") as folder:
        (folder / "old").touch()
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False).returncode == -9
    assert not (tmp_path / "f").exists()
    files._swept.clear()
    with atomic_file(tmp_path / "b"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "f"]
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["old"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("unknown error")])
def test_a_full_folder_for_temporary_files_is_named(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> None:
        with temporary_folder() as folder:
            (folder / "file").write_bytes(b"")
            raise error

    full = shutil.disk_usage("/")._replace(free=4096)
    monkeypatch.setattr("mmnet.files.shutil.disk_usage", lambda folder: full)
    with pytest.raises(OutputError, match=f"{tempfile.gettempdir()}: has no space left .* with the variable TMPDIR"):
        fail()
    roomy = full._replace(free=1 << 30)
    monkeypatch.setattr("mmnet.files.shutil.disk_usage", lambda folder: roomy)
    if isinstance(error, RuntimeError):
        with pytest.raises(RuntimeError, match="unknown error"):
            fail()
