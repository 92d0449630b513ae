"""`mmnet data check`: every kind of finding is reported, and a clean data set has none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from portraits import drawn_portrait, write_folders, write_image
from support import error_line, run

from mmnet.runtime.imaging.mattes import read_matte
from mmnet.training.data.check import KINDS, Finding, check_data, near_pairs, perceptual_hash


def found(*roots: Path, held_out: tuple[Path, ...] = (), validation: float = 0.0) -> list[tuple[str, str]]:
    report = check_data(roots, held_out, validation=validation)
    return [(finding.kind, finding.file.name) for finding in report.findings]


def spoiled(root: Path) -> tuple[Path, Path]:
    return root / "image" / "p001.png", root / "mask" / "p001.png"


def truncate(root: Path) -> None:
    photo, _ = spoiled(root)
    photo.write_bytes(photo.read_bytes()[:300])


def truncate_matte(root: Path) -> None:
    _, matte = spoiled(root)
    matte.write_bytes(matte.read_bytes()[:100])


def lose_partner(root: Path) -> None:
    spoiled(root)[1].unlink()


def shrink_matte(root: Path) -> None:
    write_image(spoiled(root)[1], drawn_portrait(1, 48, 36)[1])


def empty_all(root: Path) -> None:
    for matte in (root / "mask").iterdir():
        write_image(matte, np.zeros_like(read_matte(matte)))


def empty(root: Path) -> None:
    write_image(spoiled(root)[1], np.zeros((96, 72), np.uint8))


def fill(root: Path) -> None:
    write_image(spoiled(root)[1], np.full((96, 72), 255, np.uint8))


def harden(root: Path) -> None:
    write_image(spoiled(root)[1], (drawn_portrait(1)[1] > 127).astype(np.uint8) * np.uint8(255))


def harden_as_jpeg(root: Path) -> None:
    spoiled(root)[1].unlink()
    mask = (drawn_portrait(1)[1] > 127).astype(np.uint8) * np.uint8(255)
    assert cv2.imwrite(str(root / "mask" / "p001.jpg"), mask, [cv2.IMWRITE_JPEG_QUALITY, 95])


def colour_matte(root: Path) -> None:
    write_image(spoiled(root)[1], drawn_portrait(1)[0])


def label(root: Path) -> None:
    write_image(spoiled(root)[1], (drawn_portrait(1)[1] > 127).astype(np.uint8))


def lose_colours(root: Path) -> None:
    write_image(spoiled(root)[0], np.dstack([drawn_portrait(1)[0][..., 1]] * 3))


def deepen(root: Path) -> None:
    assert cv2.imwrite(str(spoiled(root)[1]), drawn_portrait(1)[1].astype(np.uint16) * 257)


def copy_photo(root: Path) -> None:
    photo, matte = drawn_portrait(0)
    brighter = cv2.convertScaleAbs(cv2.resize(photo, (144, 192)), alpha=1.1, beta=5)
    for path, pixels in zip(spoiled(root), (brighter, cv2.resize(matte, (144, 192))), strict=True):
        write_image(path, pixels)


@pytest.mark.parametrize(
    ("spoil", "kind", "name"),
    [
        (truncate, "unreadable", "p001.png"),
        (truncate_matte, "unreadable", "p001.png"),
        (lose_partner, "unpaired", "p001.png"),
        (shrink_matte, "size mismatch", "p001.png"),
        (empty, "empty matte", "p001.png"),
        (fill, "full matte", "p001.png"),
        (harden, "binary matte", "p001.png"),
        (harden_as_jpeg, "binary matte", "p001.jpg"),
        (colour_matte, "coloured matte", "p001.png"),
        (label, "no matte", "p001.png"),
        (lose_colours, "grey photo", "p001.png"),
        (deepen, "16 bits", "p001.png"),
        (copy_photo, "duplicate", "p001.png"),
        (empty_all, "nobody", "set"),
    ],
)
def test_each_fault_is_found_and_nothing_else(
    tmp_path: Path, spoil: Callable[[Path], None], kind: str, name: str
) -> None:
    root = write_folders(tmp_path / "set", 4)
    assert found(root) == []
    spoil(root)
    assert found(root) == [(kind, name)]


def test_every_kind_can_be_provoked() -> None:
    marks = test_each_fault_is_found_and_nothing_else.pytestmark  # type: ignore[attr-defined]
    provoked = {case[1] for mark in marks for case in mark.args[1]}
    assert provoked | {"leak"} == set(KINDS)


def test_the_unreadable_file_is_the_one_named(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "set", 2)
    truncate_matte(root)
    [finding] = check_data([root]).findings
    assert finding == Finding("unreadable", root / "mask" / "p001.png", "is truncated or damaged")


def test_the_same_image_on_two_sides_is_a_leak(tmp_path: Path) -> None:
    train, test = write_folders(tmp_path / "train", 3), write_folders(tmp_path / "test", 3, first=10)
    assert found(train, held_out=(test,)) == []
    photo, matte = drawn_portrait(2)
    write_image(test / "image" / "other.jpg", photo)
    write_image(test / "mask" / "other.png", matte)
    assert found(train, held_out=(test,)) == [("leak", "other.jpg")]
    assert found(train, test) == [("duplicate", "other.jpg")]
    # An image in training and in validation is a leak too; at a tenth "18" validates and "p001" does not.
    photo, matte = drawn_portrait(1)
    write_image(train / "image" / "18.png", photo)
    write_image(train / "mask" / "18.png", matte)
    kinds = [finding.kind for finding in check_data([train], validation=0.1).findings]
    assert kinds == ["leak"]


def test_a_report_describes_the_data_set(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "set", 5)
    write_image(root / "image" / "p009.png", drawn_portrait(9, 48, 36)[0])
    write_image(root / "mask" / "p009.png", drawn_portrait(9, 48, 36)[1])
    done: list[tuple[int, int]] = []
    report = check_data([root], validation=1.0, progress=lambda *counts: done.append(counts))
    [summary] = report.summaries
    assert (summary.layout, summary.use, summary.pairs, summary.validation) == ("folders", "training", 6, 6)
    assert (summary.smallest, summary.largest) == ((36, 48), (72, 96))
    coverage = np.mean(
        [drawn_portrait(n)[1].mean() / 255 for n in range(5)] + [drawn_portrait(9, 48, 36)[1].mean() / 255]
    )
    assert summary.coverage == pytest.approx(coverage)
    assert done[-1] == (6, 6)


def test_copies_have_similar_hashes_and_other_images_do_not() -> None:
    photo = skimage.data.astronaut()
    copies = [
        photo,
        cv2.resize(photo, (100, 80)),
        cv2.convertScaleAbs(photo, alpha=0.8, beta=20),
        cv2.imdecode(cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR),
        photo[4:-4, 4:-4],
    ]
    others = [skimage.data.coffee(), skimage.data.chelsea(), photo[:, ::-1], np.rot90(photo)]
    others += [drawn_portrait(number)[0] for number in range(8)]
    hashes = np.stack([perceptual_hash(np.ascontiguousarray(image)) for image in copies + others])
    assert hashes.shape == (17, 64)
    pairs = {(one, other) for one, other, _ in near_pairs(hashes, 6)}
    assert pairs == {(one, other) for one in range(5) for other in range(one + 1, 5)}


def test_near_pairs_counts_bits() -> None:
    random = np.random.default_rng(1)
    hashes = random.random((2500, 64)) < 0.5  # more than a block
    hashes[2400] = hashes[3]
    hashes[2400, :5] ^= True
    assert list(near_pairs(hashes, 5)) == [(3, 2400, 5)]


def test_the_command(tmp_path: Path) -> None:
    root, report = write_folders(tmp_path / "set", 4), tmp_path / "report.json"
    clean = run("mmnet", "data", "check", root, "--json", report)
    assert clean.returncode == 0, clean.stderr
    assert "no problems" in clean.stdout
    assert json.loads(report.read_text())["clean"] is True
    assert "exists already" in error_line(run("mmnet", "data", "check", root, "--json", report))

    empty(root)
    (root / "image" / "p002.png").write_bytes(b"")
    bad = run("mmnet", "data", "check", root, "--json", "-")
    assert bad.returncode == 1
    told = json.loads(bad.stdout)
    assert told["clean"] is False
    assert [item["kind"] for item in told["findings"]] == ["unreadable", "empty matte"]
    assert "empty matte" in bad.stderr
    assert "Traceback" not in bad.stderr
    assert "is not a data set" in error_line(run("mmnet", "data", "check", tmp_path))


def test_the_folder_around_data_sets_names_them(tmp_path: Path) -> None:
    for part in ("image", "mask"):
        (tmp_path / "train" / part).mkdir(parents=True)
    assert f"name one of the data sets in it: {tmp_path / 'train'}" in error_line(
        run("mmnet", "data", "check", tmp_path)
    )
