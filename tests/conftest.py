"""Fixtures for all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import HealthCheck, settings
from support import ROOT

# On a busy machine the examples of hypothesis take any time: no test may fail because of that.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the fast tests first: a mistake shows within the first minutes."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Commands that the tests start can be interrupted, even where a shell ignores SIGINT for what it runs behind."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def research_data() -> Path:
    """The folder with the experiments' checkpoints and photos; the test is skipped where it is not at hand."""
    folder = Path(os.environ.get("MMNET_RESEARCH_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the research data is not in {folder}; set MMNET_RESEARCH_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """A public-domain portrait (NASA): uint8 [512, 512, 3], RGB."""
    return np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def photos(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve photos cut from public-domain images."""
    folder = tmp_path_factory.mktemp("photos")
    for index, image in enumerate((portrait, skimage.data.coffee(), skimage.data.chelsea())):
        for turn in range(4):
            crop = np.rot90(image, turn)[20 * turn :, 10 * index :, ::-1]
            assert cv2.imwrite(str(folder / f"photo{index}{turn}.jpg"), crop)
    return folder
