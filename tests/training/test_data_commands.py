"""The commands `mmnet data pack` and `mmnet data preview`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from portraits import drawn_portrait, write_folders, write_image
from support import error_line, run

from mmnet.runtime import read_photo
from mmnet.training.augment import Augmentation, AugmentationError
from mmnet.training.data.packs import load_pack
from mmnet.training.data.preview import contact_sheet, read_augmentation


def test_pack(tmp_path: Path) -> None:
    root, path = write_folders(tmp_path / "set", 3), tmp_path / "set.npz"
    (root / "mask" / "p001.png").unlink()
    done = run("mmnet", "data", "pack", root, "-o", path, "--size", 64)
    assert done.returncode == 0, done.stderr
    assert "p001.png: has no matte" in done.stdout
    pack = load_pack(path)
    assert (pack.names, pack.side, pack.has_foregrounds) == (("image/p000.png", "image/p002.png"), 80, True)
    assert "exists already" in error_line(run("mmnet", "data", "pack", root, "-o", path))
    assert "ends in .npz" in error_line(run("mmnet", "data", "pack", root, "-o", tmp_path / "set.tar"))


def test_preview(tmp_path: Path) -> None:
    root, sheet = write_folders(tmp_path / "set", 5), tmp_path / "sheet.png"
    scene = write_image(tmp_path / "scenes" / "a.png", drawn_portrait(8)[0])
    table = tmp_path / "table.json"
    table.write_text(json.dumps({"replace": 1.0}))
    arguments = ["--size", 64, "--rows", 2, "--columns", 2, "-o", sheet]
    done = run(
        "mmnet", "data", "preview", f"{root}=2", *arguments, "--backgrounds", scene.parent, "--augmentation", table
    )
    assert done.returncode == 0, done.stderr
    assert read_photo(sheet).shape == (2 * 64 + 12, 2 * 192 + 12, 3)
    first = sheet.read_bytes()
    assert "exists already" in error_line(run("mmnet", "data", "preview", root, *arguments))
    assert sheet.read_bytes() == first
    assert "is a PNG" in error_line(run("mmnet", "data", "preview", root, "-o", tmp_path / "sheet.gif"))


def test_a_contact_sheet_shows_image_matte_and_composite() -> None:
    photo, matte = drawn_portrait(0, 64, 64)
    sheet = contact_sheet(np.stack([photo] * 3), np.stack([matte[..., None] / np.float32(255)] * 3), 2)
    assert sheet.shape == (2 * 68 + 4, 2 * 196 + 4, 3)
    np.testing.assert_array_equal(sheet[4:68, 4:68], photo)
    np.testing.assert_array_equal(sheet[4:68, 68:132, 1], matte)
    over = sheet[4:68, 132:196]
    np.testing.assert_array_equal(over[matte == 255], photo[matte == 255])
    assert (over[matte == 0] == (0, 177, 64)).all()
    assert (sheet[72:, 200:] == 255).all()  # no fourth sample


def test_augmentations_by_name(tmp_path: Path) -> None:
    assert read_augmentation("strong") == Augmentation()
    assert (read_augmentation("published"), read_augmentation("none")) == ("published", None)
    path = tmp_path / "table.json"
    with pytest.raises(AugmentationError, match=r"table\.json: cannot be read.*choose strong, published, none"):
        read_augmentation(str(path))
    for text, reason in (("{", "is not JSON"), ('{"flop": 1}', r"table\.json.*'flop' is unknown")):
        path.write_text(text)
        with pytest.raises(AugmentationError, match=reason):
            read_augmentation(str(path))
