"""`MattingModel`: what it computes, and what it refuses before LiteRT gets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmnet.runtime import ImageError, MattingModel, ModelError
from mmnet.runtime.model import default_model

SIZE = 64
COLOURS = [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 160, 30)]


def plain(colour: tuple[int, int, int], size: int = SIZE) -> np.ndarray[Any, Any]:
    return np.full((size, size, 3), colour, np.uint8)


def expected(colour: tuple[int, int, int]) -> float:
    """What the models of build_models.py compute of one colour."""
    logit = np.dot(colour, (3.0, -2.0, 1.5)) / 255 - 0.75
    return float(1 / (1 + np.exp(-logit)))


@pytest.mark.parametrize("colour", COLOURS)
def test_float_model_computes_its_formula(float_model: Path, colour: tuple[int, int, int]) -> None:
    with MattingModel(float_model) as model:
        assert model.size == SIZE
        alpha = model.run_float(plain(colour))
        assert alpha.shape == (SIZE, SIZE)
        assert alpha.dtype == np.float32
        np.testing.assert_allclose(alpha, expected(colour), atol=1e-5)
        np.testing.assert_array_equal(model.run(plain(colour)), np.rint(alpha * np.float32(255)))


@pytest.mark.parametrize("colour", COLOURS)
def test_uint8_model_is_near_its_formula(tiny_model: Path, colour: tuple[int, int, int]) -> None:
    with MattingModel(tiny_model) as model:
        alpha = model.run(plain(colour))
        assert alpha.shape == (SIZE, SIZE)
        assert alpha.dtype == np.uint8
        assert np.abs(alpha / 255 - expected(colour)).max() < 0.02


def test_alpha_bytes_are_fractions_of_255(tiny_model: Path, noise: Any) -> None:
    with MattingModel(tiny_model) as model:
        image = noise(SIZE, SIZE, 3)
        np.testing.assert_allclose(model.run_float(image), model.run(image) / 255, atol=1e-7)


def test_threads_do_not_change_the_bytes(tiny_model: Path, noise: Any) -> None:
    image = noise(SIZE, SIZE, 3)
    with MattingModel(tiny_model, threads=1) as one, MattingModel(tiny_model, threads=3) as three:
        np.testing.assert_array_equal(one.run(image), three.run(image))


def test_a_result_outlives_the_next_run_and_the_model(tiny_model: Path) -> None:
    with MattingModel(tiny_model.read_bytes()) as model:
        first = model.run(plain((255, 0, 0)))
        kept = first.copy()
        model.run(plain((0, 255, 0)))
    np.testing.assert_array_equal(first, kept)


def test_closed(tiny_model: Path) -> None:
    model = MattingModel(tiny_model)
    model.close()
    model.close()
    with pytest.raises(ModelError, match="closed"):
        model.run(plain((0, 0, 0)))


@pytest.mark.parametrize("threads", [0, -1, 257, 10**9, 1.5, True])
def test_impossible_threads(tiny_model: Path, threads: int) -> None:
    with pytest.raises(ModelError, match="give a whole number from 1 to 256"):
        MattingModel(tiny_model, threads=threads)


def test_an_image_of_another_size(tiny_model: Path) -> None:
    with MattingModel(tiny_model) as model, pytest.raises(ImageError, match=r"65×65.*64×64"):
        model.run(plain((0, 0, 0), 65))


CONTRACT = {
    "other_signature": "signatures are 'matte'",
    "other_output": r"outputs \['mask'\]",
    "two_inputs": r"inputs \['image', 'trimap'\]",
    "oblong": r"input 'image' is \[1, 64, 128, 3\] float32",
    "rgba": r"input 'image' is \[1, 64, 64, 4\] float32",
    "any_batch": r"input 'image' is \[-1, 64, 64, 3\] float32",
    "two_channels": r"output 'alpha' is \[1, 64, 64, 2\] float32",
    "dim_input": r"uint8 with scale 0\.0019\d* and zero point 0",
}


@pytest.mark.parametrize(("name", "says"), CONTRACT.items(), ids=CONTRACT.keys())
def test_another_contract_is_refused(models: Path, name: str, says: str) -> None:
    path = models / f"{name}.tflite"
    with pytest.raises(ModelError, match=f"{says}.*accepted is signature 'serving_default'") as caught:
        MattingModel(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "says"), [("nan", "not finite"), ("logits", "must end in a sigmoid")])
def test_what_is_no_alpha_is_refused(models: Path, name: str, says: str) -> None:
    with MattingModel(models / f"{name}.tflite") as model, pytest.raises(ModelError, match=says):
        model.run_float(plain((255, 0, 0)))


def test_what_is_no_model(tmp_path: Path) -> None:
    empty, text = tmp_path / "empty.tflite", tmp_path / "text.tflite"
    empty.touch()
    text.write_text("not a model at all")
    for path, says in {
        empty: "empty",
        text: "not a .tflite",
        tmp_path: "is a folder",
        tmp_path / "missing.tflite": "no such model",
        Path("/dev/null"): "not a file",
    }.items():
        with pytest.raises(ModelError, match=says) as caught:
            MattingModel(path)
        assert str(path) in str(caught.value)


def test_the_default_model_is_in_the_package() -> None:
    with MattingModel(default_model()) as model:
        assert model.size == 256


# A damaged model may end the process that loads it, so each is loaded in a child, which must raise ModelError
# (exit code 10) or work (0).
LOAD = """
import os, sys
import numpy as np
from mmnet.runtime import MattingModel, ModelError

def load(content):
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            with MattingModel(content, threads=1) as model:
                model.run(np.zeros((model.size, model.size, 3), np.uint8))
        except ModelError:
            os._exit(10)
        except BaseException:
            os._exit(20)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

content = open(sys.argv[1], 'rb').read()
rng = np.random.default_rng(0)
"""


def endings(script: str, model: Path) -> dict[str, int]:
    done = subprocess.run([sys.executable, "-c", LOAD + script, str(model)], capture_output=True, text=True, check=True)
    counts: dict[str, int] = {}
    for code in done.stdout.split():
        counts[code] = counts.get(code, 0) + 1
    return counts


def test_truncation_at_any_length_is_an_error(tiny_model: Path) -> None:
    script = "for n in {*range(12), *range(12, len(content), 31), len(content) - 1}: print(load(content[:n]))"
    counts = endings(script, tiny_model)
    assert set(counts) == {"10"}
    assert counts["10"] > 60


def test_damaged_bytes_are_an_error_or_harmless(tiny_model: Path) -> None:
    script = """
for _ in range(150):
    damaged = bytearray(content)
    for at in rng.integers(8, len(content), rng.choice([1, 4, 20])):
        damaged[at] = rng.integers(256)
    print(load(bytes(damaged)))
"""
    counts = endings(script, tiny_model)
    assert set(counts) <= {"0", "10"}
    assert counts["10"] > 50


def test_impossible_quantization_is_an_error_not_a_crash(tiny_model: Path) -> None:
    # The output's scale, 1/256 as little-endian float32, made negative, zero, infinite and NaN in turn.
    script = """
import struct
scale = struct.pack('<f', 1 / 256)
assert scale in content
for wrong in (-1 / 256, 0.0, float('inf'), float('nan')):
    print(load(content.replace(scale, struct.pack('<f', wrong))))
"""
    assert endings(script, tiny_model) == {"10": 4}
