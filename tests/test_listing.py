"""Listing of folders: nothing is left out in silence, and no loop of links goes on for ever."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from mmnet.listing import LeftOut, list_folder, note_left_out, walk

PHOTOS = frozenset({".jpg", ".png"})


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    folder = tmp_path / "mixed"
    (folder / "sub" / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    names = ["b.jpg", "A.PNG", "c.heic", "d.HEIC", "e.avif", "README", ".f.jpg", ".DS_Store"]
    for name in [*names, "sub/g.jpg", "sub/h.txt", "sub/deep/i.png", ".hidden/j.jpg"]:
        (folder / name).touch()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "broken.jpg").symlink_to("nowhere")
    return folder


def test_everything_that_is_left_out_is_counted(mixed: Path) -> None:
    listing = list_folder(mixed, PHOTOS)
    assert [path.name for path in listing.files] == ["A.PNG", "b.jpg"]
    assert listing.left_out == LeftOut({".heic": 2, ".avif": 1, "": 1}, folders=1, hidden=1, others=2)
    assert str(listing.left_out) == (
        "2 .heic, 1 without an extension, 1 .avif, 1 folder, 1 hidden file, 2 entries that are no files"
    )
    deep = list_folder(mixed, PHOTOS, recursive=True)
    assert [path.relative_to(mixed).as_posix() for path in deep.files] == [
        "A.PNG",
        "b.jpg",
        "sub/deep/i.png",
        "sub/g.jpg",
    ]
    assert deep.left_out == LeftOut({".heic": 2, ".avif": 1, "": 1, ".txt": 1}, hidden=1, others=2)
    without = list_folder(mixed, PHOTOS, recursive=True, skip=[mixed / "sub"])
    assert len(without.files) == 2
    assert not without.left_out.folders
    assert not LeftOut()
    both = listing.left_out + deep.left_out
    assert both.extensions[".heic"] == 4
    assert both.document()["folders"] == 1


def test_a_note_says_what_was_left_out(mixed: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "mmnet"):
        note_left_out(mixed, list_folder(mixed, PHOTOS).left_out, "--recursive takes the folders")
        note_left_out(mixed, LeftOut())
        note_left_out(mixed, LeftOut({".a": 1}), "--recursive takes the folders")
    assert len(caplog.messages) == 2
    assert caplog.messages[0].startswith(f"{mixed}: left out 2 .heic, ")
    assert caplog.messages[0].endswith("; --recursive takes the folders")
    assert caplog.messages[1] == f"{mixed}: left out 1 .a"


def test_loops_of_links_end_and_every_file_is_listed_once(tmp_path: Path) -> None:
    """Forty links that double the paths at each level would give 2^40 paths."""
    root = tmp_path / "root"
    place = root
    for _ in range(20):
        place.mkdir()
        (place / "a.jpg").touch()
        for name in ("l1", "l2"):
            (place / name).symlink_to(".")
        (place / "up").symlink_to(root)
        place = place / "down"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.jpg").touch()
    (outside / "back").symlink_to(root)
    (root / "0 outside").symlink_to(outside)
    (root / "1 outside").symlink_to(outside)
    listing = list_folder(root, PHOTOS, recursive=True)
    assert len(listing.files) == 21
    assert listing.files[0] == root / "0 outside" / "b.jpg"
    assert listing.left_out == LeftOut(links=62)
    assert len(list(walk(root))) == 21


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "secret").mkdir(parents=True)
    (tmp_path / "a" / "b.jpg").touch()
    scandir = os.scandir

    def guarded(path: Path) -> Any:
        if Path(path).name == "secret":  # as the system does for a folder of another user
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    listing = list_folder(tmp_path / "a", PHOTOS, recursive=True)
    assert len(listing.files) == 1
    assert listing.left_out.unlisted == {str(tmp_path / "a" / "secret"): "Permission denied"}
    unlisted: dict[str, str] = {}
    assert len(list(walk(tmp_path / "a", unlisted))) == 1
    assert unlisted == listing.left_out.unlisted
    with pytest.raises(OSError, match="secret"):
        list(walk(tmp_path / "a"))
    with pytest.raises(OSError, match="denied"):
        list_folder(tmp_path / "a" / "secret", PHOTOS)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert list(walk(tmp_path / "gone")) == []
    with pytest.raises(FileNotFoundError):
        list_folder(tmp_path / "gone", PHOTOS)
