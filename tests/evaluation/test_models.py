"""The models that can be measured, and the adapter for MediaPipe's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmnet.evaluation.models import BytesModel, Candidate, FloatModel, SelfieSegmenter, open_file, with_unique_names
from mmnet.runtime import MattingModel, ModelError

Noise = Callable[..., np.ndarray]


def test_ours_computes_what_the_runtime_computes(float_model: Path, uint8_model: Path, noise: Noise) -> None:
    image = noise(64, 64)
    for path in (float_model, uint8_model):
        candidate = open_file(path)
        assert (candidate.kind, candidate.name, candidate.size) == ("tflite", path.stem, 64)
        with MattingModel(path, 1) as model:
            np.testing.assert_array_equal(candidate.load().run_float(image), model.run_float(image))


def test_a_photo_in_floats(float_model: Path, noise: Noise) -> None:
    content = float_model.read_bytes()
    image = noise(64, 64)
    between = image.astype(np.float32) + np.float32(0.4)
    rounding, exact = BytesModel(content, 1), FloatModel(content)
    np.testing.assert_array_equal(exact.run_float(image), rounding.run_float(image))
    np.testing.assert_array_equal(rounding.run_float(between), rounding.run_float(image))
    assert np.abs(exact.run_float(between) - exact.run_float(image)).max() > 1e-6


def test_a_checkpoint_alone_takes_floats(float_model: Path) -> None:
    file = open_file(float_model)
    checkpoint = replace(file, kind="checkpoint")
    assert isinstance(checkpoint.load(floats=True), FloatModel)
    assert isinstance(checkpoint.load(), BytesModel)
    assert isinstance(file.load(floats=True), BytesModel)


def test_the_float_adapter_refuses(float_model: Path, uint8_model: Path, noise: Noise) -> None:
    with pytest.raises(ModelError, match="its tensors are"):
        FloatModel(uint8_model.read_bytes(), "uint8.tflite")
    with pytest.raises(ModelError, match="damaged"):
        FloatModel(float_model.read_bytes()[:5000], "cut.tflite")
    model = FloatModel(float_model.read_bytes())
    with pytest.raises(ModelError, match="it takes"):
        model.run_float(noise(64, 32))
    with pytest.raises(ModelError, match="not finite"):
        model.run_float(np.full((64, 64, 3), np.nan, np.float32))
    model.close()
    with pytest.raises(ModelError, match="closed"):
        model.run_float(noise(64, 64))


def test_headings_tell_models_apart(float_model: Path) -> None:
    def candidate(name: str, source: str) -> Candidate:
        return Candidate(name, "tflite", source, 64, b"")

    named = with_unique_names(
        [candidate("a", "a.tflite"), candidate("m", "x/m.tflite"), candidate("m", "y/m.tflite"), candidate("a2", "a2")]
    )
    assert [entry.name for entry in named] == ["a", "x/m.tflite", "y/m.tflite", "a2"]
    assert [entry.name for entry in with_unique_names([candidate("m", "m")] * 2)] == ["m (1)", "m (2)"]


def test_something_with_mediapipes_operator_that_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "selfie.tflite"
    path.write_bytes(b"\0\0\0\0TFL3" + SelfieSegmenter.CUSTOM_OPERATOR * 9)
    with pytest.raises(ModelError, match=r"selfie\.tflite: the model is damaged or cut short"):
        open_file(path)


def test_mediapipes_selfie_segmenter(selfie_package: Path, portrait: np.ndarray) -> None:
    candidate = open_file(selfie_package / "selfie_segmentation.tflite")
    assert (candidate.kind, candidate.size) == ("mediapipe", 256)
    alpha = candidate.load(floats=True).run_float(portrait[::2, ::2])
    assert (alpha.shape, alpha.dtype) == ((256, 256), np.float32)
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    # The astronaut's face is the person, the corner above the shuttle is not.
    assert alpha[40:60, 105:125].min() > 0.9
    assert alpha[:20, 236:].max() < 0.1


def test_mediapipes_landscape_segmenter_is_not_square(selfie_package: Path) -> None:
    with pytest.raises(ModelError, match=r"landscape\.tflite: its tensors are \[1, 144, 256, 3\]"):
        open_file(selfie_package / "selfie_segmentation_landscape.tflite")
