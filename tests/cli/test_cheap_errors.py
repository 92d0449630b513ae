"""Wrong arguments show before TensorFlow is loaded, which takes seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import random_checkpoint

from mmnet.network.checkpoint import save_checkpoint
from mmnet.network.config import ModelConfig

# A command with a TensorFlow that cannot be loaded.
SCRIPT = """
import sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name in ("tensorflow", "keras", "tf_keras"):
            raise SystemError(f"{name} was loaded")
sys.meta_path.insert(0, Refused())
from mmnet.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint of ours, the names of a TF-Slim one, photos, splits, and an export that exists."""
    folder = tmp_path_factory.mktemp("work")
    save_checkpoint(random_checkpoint(ModelConfig(0.35, 32)), folder / "checkpoints" / "mine" / "step-0000007")
    for name in ("model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001"):
        (folder / name).write_bytes(b"x")
    for place in ("photos", "set/image", "splits/train/image"):
        (folder / place).mkdir(parents=True)
        cv2.imwrite(str(folder / place / "a.png"), np.zeros((40, 40, 3), np.uint8))
    (folder / "empty").mkdir()
    for name in ("mine-step-0000007-32-float32.tflite", "model.ckpt-7-256-float16.tflite"):
        (folder / name).write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("export --ckpt mine", "needs photos"),
        ("export --ckpt model.ckpt-7", "needs photos"),
        ("export --ckpt mine --calibration empty", "no photo"),
        ("export --ckpt model.ckpt-7 --calibration empty", "no photo"),
        ("export --ckpt model.ckpt-7 --calibration splits", "name one of splits/train/image"),
        ("export --ckpt mine --precision float32", "mine-step-0000007-32-float32.tflite: exists already"),
        ("export --ckpt model.ckpt-7 --precision float16", "model.ckpt-7-256-float16.tflite: exists already"),
        ("export --ckpt mine --size 33 --precision float32", "multiple of 16"),
        ("export --ckpt mine --calibration photos", "the calibration image is of one colour"),
        ("quantize --ckpt model.ckpt-7 --steps 0 --calibration empty", "no photo"),
        ("quantize --ckpt model.ckpt-7 --data empty", "is not a data set"),
        ("sensitivity --ckpt model.ckpt-7 --calibration empty", "no photo"),
        ("train --data empty --recipe portrait", "is not a data set"),
        ("train --data absent.npz --recipe portrait", "no such file"),
        ("parity absent model.tflite -d photos", "absent: no such checkpoint"),
    ],
)
def test_it_is_one_line_without_tensorflow(work: Path, arguments: str, expected: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments.split()], cwd=work, capture_output=True, text=True, check=False
    )
    assert done.returncode in (1, 2), done.stderr
    assert expected in done.stderr.splitlines()[-1], done.stderr
    assert "was loaded" not in done.stderr
