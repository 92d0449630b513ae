"""Pairs of photos and mattes, and everything that can be wrong with them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmnet.evaluation.datasets.pairs import DatasetError, check_pairs, load_images, load_pairs


def problems(folder: Path, split: str | None = None) -> tuple[str, ...]:
    with pytest.raises(DatasetError) as caught:
        check_pairs(load_pairs(folder, split))
    assert all("\n" not in problem for problem in caught.value.problems)
    return caught.value.problems


def test_pairs_by_stem_whatever_the_extension(portraits: Path) -> None:
    pairs = load_pairs(portraits, "test")
    assert [pair.name for pair in pairs] == [f"p{index}" for index in range(6)]
    assert {pair.image.suffix for pair in pairs} == {".jpg", ".png"}
    image, mask = pairs[0].read()
    assert (image.shape, image.dtype, mask.shape, mask.dtype) == ((90, 72, 3), np.uint8, (90, 72), np.uint8)
    np.testing.assert_array_equal(mask, cv2.imread(str(pairs[0].mask), cv2.IMREAD_GRAYSCALE))
    np.testing.assert_array_equal(image[..., ::-1], cv2.imread(str(pairs[0].image)))
    assert load_pairs(portraits / "test") == pairs


def test_the_fingerprint_is_of_the_pixels(pairs_folder: Path) -> None:
    first = check_pairs(load_pairs(pairs_folder))
    path = pairs_folder / "image" / "p0.png"
    cv2.imwrite(str(path.with_suffix(".bmp")), cv2.imread(str(path)))
    path.unlink()
    assert check_pairs(load_pairs(pairs_folder)) == first
    mask = cv2.imread(str(pairs_folder / "mask" / "p0.png"), cv2.IMREAD_GRAYSCALE)
    mask[0, 0] ^= 1
    cv2.imwrite(str(pairs_folder / "mask" / "p0.png"), mask)
    assert check_pairs(load_pairs(pairs_folder)) != first


def test_16_bits_become_8(pairs_folder: Path) -> None:
    path = pairs_folder / "mask" / "p0.png"
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(path), mask.astype(np.uint16) * 257)
    np.testing.assert_array_equal(load_pairs(pairs_folder)[0].read()[1], mask)


def test_every_missing_partner_is_named(pairs_folder: Path) -> None:
    (pairs_folder / "mask" / "p1.png").unlink()
    (pairs_folder / "mask" / "p3.png").unlink()
    (pairs_folder / "image" / "p2.png").unlink()
    found = problems(pairs_folder)
    assert [problem.split(":")[0] for problem in found] == [
        str(pairs_folder / part) for part in ("image/p1.jpg", "image/p3.jpg", "mask/p2.png")
    ]
    assert "has no matte" in found[0]
    assert "has no photo" in found[2]


def test_two_files_of_one_stem(pairs_folder: Path) -> None:
    shutil.copy(pairs_folder / "image" / "p1.jpg", pairs_folder / "image" / "p1.jpeg")
    (found,) = problems(pairs_folder)
    assert "p1.jpg: has the same stem as" in found


def test_photos_without_mattes_may_share_a_stem(portraits: Path, tmp_path: Path) -> None:
    photo = portraits / "test" / "image" / "p1.jpg"
    for name in ("a.jpg", "b.jpeg"):
        shutil.copy(photo, tmp_path / name)
    assert [image.name for image in load_images(tmp_path)] == ["a", "b"]
    shutil.copy(photo, tmp_path / "a.jpeg")
    assert [image.name for image in load_images(tmp_path)] == ["a.jpeg", "a.jpg", "b.jpeg"]


def spoil_size(folder: Path) -> None:
    mask = cv2.imread(str(folder / "mask" / "p1.png"))
    cv2.imwrite(str(folder / "mask" / "p1.png"), mask[:45, :36])


def spoil_colour(folder: Path) -> None:
    cv2.imwrite(str(folder / "mask" / "p1.png"), np.random.default_rng(0).integers(0, 256, (90, 72, 3), np.uint8))


def spoil_range(folder: Path) -> None:
    mask = cv2.imread(str(folder / "mask" / "p1.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(folder / "mask" / "p1.png"), mask // 128)


def spoil_file(folder: Path) -> None:
    path = folder / "mask" / "p1.png"
    path.write_bytes(path.read_bytes()[:60])


def spoil_photo(folder: Path) -> None:
    (folder / "image" / "p1.jpg").write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "named", "said"),
    [
        (spoil_size, "mask/p1.png", "is 36×45, its photo"),
        (spoil_colour, "mask/p1.png", "colour"),
        (spoil_range, "mask/p1.png", "holds only 0 and 1"),
        (spoil_file, "mask/p1.png", "truncated or damaged"),
        (spoil_photo, "image/p1.jpg", "is empty"),
    ],
)
def test_a_bad_file_is_named(pairs_folder: Path, spoil: Callable[[Path], None], named: str, said: str) -> None:
    spoil(pairs_folder)
    (found,) = problems(pairs_folder)
    assert found.startswith(str(pairs_folder / named))
    assert said in found


def test_all_bad_files_are_named(pairs_folder: Path) -> None:
    for name in ("p0", "p2"):
        (pairs_folder / "mask" / f"{name}.png").write_text("no image")
    assert len(problems(pairs_folder)) == 2


def test_no_person_is_a_matte(pairs_folder: Path) -> None:
    cv2.imwrite(str(pairs_folder / "mask" / "p0.png"), np.zeros((90, 72), np.uint8))
    assert not load_pairs(pairs_folder)[0].read()[1].any()


def test_no_folder(tmp_path: Path, portraits: Path) -> None:
    (found,) = problems(tmp_path / "nowhere")
    assert "no such folder" in found
    (found,) = problems(portraits)
    assert found.endswith("name one of its splits: split='test'")
    (found,) = problems(portraits, "train")
    assert "train/image: no such folder; put photos into" in found


def test_empty_folders(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "mask").mkdir()
    (found,) = problems(tmp_path)
    assert "has no photo in it" in found
