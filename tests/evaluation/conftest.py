"""Drawn images with known mattes, and models small enough to measure quickly."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny_models
from support import random_checkpoint

from mmnet.arrays import U8Array
from mmnet.export.direct.models import float_tflite
from mmnet.export.verify import probe_images
from mmnet.network.checkpoint import save_checkpoint
from mmnet.network.config import ModelConfig

SIZE = 64
SELFIE_PACKAGE = "@mediapipe/selfie_segmentation@0.1.1675465747"
_CACHE = Path(__file__).parents[2] / ".cache"


def draw_matte(height: int, width: int, index: int) -> U8Array:
    """A soft ellipse, uint8 [height, width]."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot((y / height - 0.6) / (0.3 + 0.02 * index), (x / width - 0.5) / (0.2 + 0.03 * index))
    return np.asarray(np.rint(255 / (1 + np.exp((distance - 1) * 12))), np.uint8)


def write_pairs(folder: Path, count: int = 6) -> Path:
    """`count` drawn portraits of 90×72 in `folder`/image (JPEG and PNG), their mattes in `folder`/mask."""
    (folder / "image").mkdir(parents=True)
    (folder / "mask").mkdir()
    for index, image in enumerate(probe_images(90, count)):
        extension = "jpg" if index % 2 else "png"
        assert cv2.imwrite(str(folder / "image" / f"p{index}.{extension}"), image[:, :72, ::-1])
        assert cv2.imwrite(str(folder / "mask" / f"p{index}.png"), draw_matte(90, 72, index))
    return folder


@pytest.fixture(scope="session")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose split `test` has six pairs; tests must not write to it."""
    folder = tmp_path_factory.mktemp("portraits")
    write_pairs(folder / "test")
    return folder


@pytest.fixture
def pairs_folder(tmp_path: Path) -> Path:
    """Four pairs without splits, for one test to damage."""
    return write_pairs(tmp_path / "pairs", 4)


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights, 64×64."""
    folder = tmp_path_factory.mktemp("checkpoints") / "mine"
    save_checkpoint(random_checkpoint(ModelConfig(width=0.5, size=SIZE)), folder)
    return folder


@pytest.fixture(scope="session")
def float_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The float .tflite of that checkpoint."""
    checkpoint = random_checkpoint(ModelConfig(width=0.5, size=SIZE))
    path = tmp_path_factory.mktemp("models") / "float.tflite"
    path.write_bytes(float_tflite(checkpoint))
    return path


@pytest.fixture(scope="session")
def uint8_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another network, in 8 bits, 64×64."""
    path = tmp_path_factory.mktemp("models") / "uint8.tflite"
    path.write_bytes(tiny_models.matting_model("uint8"))
    return path


@pytest.fixture(scope="session")
def selfie_package() -> Path:
    """MediaPipe's package, unpacked once under .cache/; skipped where npm cannot fetch it."""
    folder = _CACHE / "selfie_segmentation"
    if not (folder / "package").is_dir():
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed: MediaPipe's segmenter was not tested")
        folder.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(
            ["npm", "pack", "--silent", SELFIE_PACKAGE], cwd=folder, capture_output=True, text=True, check=False
        )
        if packed.returncode:
            pytest.skip(f"npm cannot fetch {SELFIE_PACKAGE}: MediaPipe's segmenter was not tested")
        shutil.unpack_archive(folder / packed.stdout.strip(), folder)
    return folder / "package"


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """noise(height, width) -> uint8 RGB, the same at every call."""
    return lambda height, width: np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)
