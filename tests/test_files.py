"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mmnet.errors import OutputError, OutputExistsError
from mmnet.files import atomic_file, atomic_folder, check_writable


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
    with pytest.raises(OutputExistsError, match="--force"):
        check_writable(tmp_path / "a", force=False)
    check_writable(tmp_path / "a", force=True)
    with pytest.raises(OutputError, match="does not exist"):
        check_writable(tmp_path / "b" / "c", force=False)
    for folder, path in ((False, tmp_path), (True, tmp_path / "a")):
        with pytest.raises(OutputError, match="name a folder" if folder else "name a file"):
            check_writable(path, force=True, folder=folder)
    check_writable(tmp_path, force=True, folder=True)
    with pytest.raises(OutputError, match="is a folder"), atomic_file(tmp_path):
        pass
