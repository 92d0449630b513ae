"""Models that are small enough to be measured quickly."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_models


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with float.tflite and uint8.tflite, whose input is 64×64."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "float.tflite").write_bytes(tiny_models.matting_model("float32"))
    (folder / "uint8.tflite").write_bytes(tiny_models.matting_model("uint8"))
    return folder
