"""Data sets on disk: layouts, pairs, and the validation split."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from portraits import drawn_portrait, write_folders, write_image

from mmnet.evaluation.datasets.pairs import PairError
from mmnet.runtime import PhotoError
from mmnet.training.data.layouts import (
    LayoutError,
    Pair,
    find_backgrounds,
    find_source,
    has_alpha,
    is_validation,
    parse_weighted,
    split,
)

NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
STEMS = st.lists(NAMES, unique=True, max_size=60)


def test_folders_are_matched_by_stem_whatever_the_extension(tmp_path: Path) -> None:
    photo, matte = drawn_portrait(1)
    write_image(tmp_path / "image" / "b.jpg", photo)
    write_image(tmp_path / "mask" / "b.png", matte)
    write_image(tmp_path / "image" / "a.PNG", photo)
    write_image(tmp_path / "mask" / "a.bmp", matte)
    write_image(tmp_path / "image" / "alone.jpg", photo)
    write_image(tmp_path / "mask" / "lonely.png", matte)
    write_image(tmp_path / "image" / ".hidden.png", photo)
    (tmp_path / "mask" / "notes.txt").write_text("mine")
    source = find_source(tmp_path)
    assert source.layout == "folders"
    assert [pair.photo.name for pair in source.pairs] == ["a.PNG", "b.jpg"]
    assert [(path.name, why) for path, why in source.unpaired] == [
        ("alone.jpg", "has no matte"),
        ("lonely.png", "has no photo"),
    ]
    read, alpha = source.pairs[0].read()
    np.testing.assert_array_equal(read, photo)
    np.testing.assert_array_equal(alpha, matte)


def test_two_photos_of_one_stem_are_reported(tmp_path: Path) -> None:
    write_folders(tmp_path, 1)
    write_image(tmp_path / "image" / "p000.webp", drawn_portrait(1)[0])
    source = find_source(tmp_path)
    assert len(source.pairs) == 1
    [(path, why)] = source.unpaired
    assert path.name == "p000.webp"
    assert "p000.png" in why


@pytest.mark.parametrize("extension", [".png", ".webp"])
def test_cutouts_keep_their_colours_apart_from_their_alpha(tmp_path: Path, extension: str) -> None:
    photo, matte = drawn_portrait(2)
    matte = np.maximum(matte, 1)  # WebP does not keep the colours of what cannot be seen
    write_image(tmp_path / f"one{extension}", np.dstack([photo, matte]))
    write_image(tmp_path / "opaque.jpg", photo)
    source = find_source(tmp_path)
    assert source.layout == "cutouts"
    assert [(path.name, why) for path, why in source.unpaired] == [("opaque.jpg", "has no alpha channel")]
    colours, alpha = source.pairs[0].read()
    np.testing.assert_array_equal(colours, photo)
    np.testing.assert_array_equal(alpha, matte)


def test_aisegment(tmp_path: Path) -> None:
    for group, part, name in (("17", "00", "17-1"), ("17", "01", "17-2"), ("18", "00", "18-1")):
        photo, matte = drawn_portrait(int(name[-1]))
        write_image(tmp_path / "clip_img" / group / f"clip_000000{part}" / f"{name}.jpg", photo)
        cut = np.dstack([photo, matte])
        write_image(tmp_path / "matting" / group / f"matting_000000{part}" / f"{name}.png", cut)
    (tmp_path / "matting" / "18" / "matting_00000000" / "18-1.png").rename(tmp_path / "matting" / "18" / "18-1.png")
    source = find_source(tmp_path)
    assert source.layout == "aisegment"
    assert [pair.photo.stem for pair in source.pairs] == ["17-1", "17-2"]
    assert [(path.name, why) for path, why in source.unpaired] == [
        ("18-1.jpg", "has no matte"),
        ("18-1.png", "is not in matting/GROUP/matting_*"),
    ]
    np.testing.assert_array_equal(source.pairs[1].read()[1], drawn_portrait(2)[1])


def test_a_folder_that_is_no_data_set_is_refused_with_the_layouts(tmp_path: Path) -> None:
    write_image(tmp_path / "only.jpg", drawn_portrait(0)[0])
    with pytest.raises(LayoutError, match=r"image/NAME\.jpg.*AISegment.*cut-outs"):
        find_source(tmp_path)
    with pytest.raises(LayoutError, match="no such folder"):
        find_source(tmp_path / "nowhere")
    with pytest.raises(LayoutError, match=r"only\.jpg: is a file; name a folder of images"):
        find_source(tmp_path / "only.jpg")
    (tmp_path / "image").mkdir()
    (tmp_path / "mask").mkdir()
    write_image(tmp_path / "mask" / "m.png", drawn_portrait(0)[1])
    with pytest.raises(LayoutError, match=r"no photo with its matte.*m\.png: has no photo"):
        find_source(tmp_path)


def test_weights(tmp_path: Path) -> None:
    assert parse_weighted("some/where") == (Path("some/where"), 1.0)
    assert parse_weighted("some/where=2.5") == (Path("some/where"), 2.5)
    odd = tmp_path / "a=3"
    odd.mkdir()
    assert parse_weighted(str(odd)) == (odd, 1.0)
    assert parse_weighted(f"{odd}=0.5") == (odd, 0.5)


@pytest.mark.parametrize("weight", ["0", "-1", "many", "nan", "inf", ""])
def test_invalid_weights_are_refused(weight: str) -> None:
    with pytest.raises(LayoutError, match="above 0"):
        parse_weighted(f"here={weight}")


@given(STEMS, STEMS, st.floats(0, 1), st.floats(0, 1))
def test_the_split_never_moves(some: list[str], more: list[str], fraction: float, other: float) -> None:
    def sides(stems: list[str], part: float) -> tuple[set[str], set[str]]:
        pairs = [Pair(Path("photos", f"{stem}.jpg"), Path("mattes", f"{stem}.png")) for stem in stems]
        train, validate = split(pairs, part)
        assert sorted([*train, *validate], key=pairs.index) == pairs
        return {pair.photo.stem for pair in train}, {pair.photo.stem for pair in validate}

    (train, validate), (more_train, more_validate) = (
        sides(some, fraction),
        sides(list(dict.fromkeys([*more, *some])), fraction),
    )
    assert train <= more_train
    assert validate <= more_validate
    low, high = sorted((fraction, other))
    assert sides(some, low)[1] <= sides(some, high)[1]


def test_the_split_has_its_fraction() -> None:
    stems = [f"{number:05}" for number in range(5000)]
    for fraction in (0.0, 0.05, 0.3, 1.0):
        part = sum(is_validation(stem, fraction) for stem in stems) / len(stems)
        assert abs(part - fraction) < 0.02


def test_known_names_validate_for_ever() -> None:
    """The names are pinned, because another hash would move images between the sides of existing runs."""
    assert [name for name in map(str, range(40)) if is_validation(name, 0.1)] == ["18", "29"]


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("lossless", [False, True])
def test_transparency_is_seen_in_the_header(mode: str, kind: str, lossless: bool, tmp_path: Path) -> None:
    matte = drawn_portrait(0)[1]
    image = Image.fromarray(matte).convert("RGBA" if mode == "LA" and kind == "WEBP" else mode)
    if "A" in mode:
        image.putalpha(Image.fromarray(matte))
    buffer = io.BytesIO()
    image.save(buffer, kind, lossless=lossless)
    path = tmp_path / "image"
    path.write_bytes(buffer.getvalue())
    expected = "A" in mode or (kind == "PNG" and mode == "P")  # a palette may hold transparent colours
    assert has_alpha(path) == expected


def test_mattes_of_16_bits_and_of_grey_with_an_opaque_alpha(tmp_path: Path) -> None:
    photo, matte = drawn_portrait(3)
    write_image(tmp_path / "image" / "deep.png", photo)
    write_image(tmp_path / "image" / "editor.png", photo)
    write_image(tmp_path / "image" / "cut.png", photo)
    (tmp_path / "mask").mkdir()
    assert cv2.imwrite(str(tmp_path / "mask" / "deep.png"), matte.astype(np.uint16) * 257)
    write_image(tmp_path / "mask" / "editor.png", np.dstack([matte] * 3 + [np.full_like(matte, 255)]))
    write_image(tmp_path / "mask" / "cut.png", np.dstack([photo, matte]))
    for pair in find_source(tmp_path).pairs:
        np.testing.assert_array_equal(pair.read()[1], matte)


def test_different_sizes_are_refused(tmp_path: Path) -> None:
    write_folders(tmp_path, 1)
    write_image(tmp_path / "mask" / "p000.png", drawn_portrait(0, 50, 40)[1])
    with pytest.raises(PairError, match=r"mask/p000\.png: is 40×50, its photo .*image/p000\.png 72×96"):
        find_source(tmp_path).pairs[0].read()


def test_a_matte_without_its_alpha_channel_is_refused(tmp_path: Path) -> None:
    photo, matte = drawn_portrait(0)
    write_image(tmp_path / "clip_img/1/clip_0/a.jpg", photo)
    write_image(tmp_path / "matting/1/matting_0/a.png", matte)
    with pytest.raises(PhotoError, match=r"a\.png: has no alpha channel"):
        find_source(tmp_path).pairs[0].read()


def test_backgrounds(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="no background photo"):
        find_backgrounds(tmp_path)
    paths = [write_image(tmp_path / name, drawn_portrait(0)[0]) for name in ("z.jpg", "deep/er/a.png")]
    assert find_backgrounds(tmp_path) == sorted(paths)
    with pytest.raises(LayoutError, match="no such folder"):
        find_backgrounds(tmp_path / "not")
