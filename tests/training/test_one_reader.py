"""Training, evaluation and `mmnet data check` read the same pairs alike, and refuse the same ones in the same words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from portraits import drawn_portrait, write_folders, write_image

from mmnet.evaluation.datasets.pairs import DatasetError, PairError, check_pairs, load_pairs
from mmnet.runtime.imaging.stored import PhotoError
from mmnet.training.data.check import check_data
from mmnet.training.data.layouts import find_source
from mmnet.training.data.packs import build_pack

PHOTO, MATTE = drawn_portrait(1)
PERSON = (MATTE > 127).astype(np.uint8)
OPAQUE = np.full_like(MATTE, 255)
MATTES = {
    "grey": MATTE,
    "RGBA black": np.dstack([MATTE * 0] * 3 + [MATTE]),
    "RGBA white": np.dstack([OPAQUE] * 3 + [MATTE]),
    "cut-out": np.dstack([PHOTO, MATTE]),
    "opaque": np.dstack([MATTE] * 3 + [OPAQUE]),
    "labels 0 and 1": PERSON,
    "labels 0, 1 and 2": PERSON + (MATTE > 20),
    "trimap": np.array([0, 128, 255], np.uint8)[PERSON + (MATTE > 5)],
    "colour": PHOTO,
    "other size": drawn_portrait(1, 48, 36)[1],
}
REFUSED = {"labels 0 and 1", "labels 0, 1 and 2", "trimap", "colour", "other size"}


@pytest.mark.parametrize("kind", MATTES)
def test_the_readers_agree(tmp_path: Path, kind: str) -> None:
    root = write_folders(tmp_path, 1)
    path = write_image(root / "mask" / "p000.png", MATTES[kind])
    write_image(root / "image" / "p000.png", PHOTO)
    (pair,), (evaluated,) = find_source(root).pairs, load_pairs(root)
    problems = [finding for finding in check_data([root], validation=0).findings if finding.is_problem]
    if kind not in REFUSED:
        for photo, matte in (pair.read(), evaluated.read()):
            np.testing.assert_array_equal(photo, PHOTO)
            np.testing.assert_array_equal(matte, MATTE)
        assert not problems
        return
    with pytest.raises((PhotoError, PairError)) as trained:
        build_pack([pair], 40, root=root)
    with pytest.raises(DatasetError) as measured:
        check_pairs([evaluated])
    assert measured.value.problems == (str(trained.value),)
    (problem,) = problems
    assert f"{problem.file}: {problem.detail}" == str(trained.value)
    assert problem.file == path


def test_a_cutout_is_read_with_its_own_colours(tmp_path: Path) -> None:
    write_image(tmp_path / "one.png", np.dstack([PHOTO, np.maximum(MATTE, 1)]))
    (pair,) = find_source(tmp_path).pairs
    photo, matte = pair.read()
    np.testing.assert_array_equal(photo, PHOTO)
    np.testing.assert_array_equal(matte, np.maximum(MATTE, 1))
