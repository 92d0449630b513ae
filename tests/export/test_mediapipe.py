"""MediaPipe's real ImageSegmenter runs the exported models and returns the same alpha."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from skimage.data import astronaut
from support import random_checkpoint

from mmnet.export.convert import to_float, to_float16, to_int8
from mmnet.export.metadata import add_metadata
from mmnet.export.verify import probe_images
from mmnet.graph.inference import inference_graph
from mmnet.network.config import ModelConfig
from mmnet.runtime.tflite.metadata import ModelMetadata

pytestmark = pytest.mark.slow

CLIENT = Path(__file__).with_name("mediapipe_client.py")
CARD = ModelMetadata("MMNet", "Portrait matting.", "1.0.0", "The makers", "Apache-2.0", {"step": 304500})
MODELS = ("float32", "float16", "uint8")
SIZE = 64


@pytest.fixture(scope="module")
def portrait() -> np.ndarray[Any, Any]:
    """A photo of a person, uint8 RGB [S, S, 3]."""
    return np.asarray(cv2.resize(astronaut(), (SIZE, SIZE), interpolation=cv2.INTER_AREA))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Models with metadata, by variant, and one without metadata, `bare`."""
    folder = tmp_path_factory.mktemp("models")
    checkpoint = random_checkpoint(ModelConfig(0.35, SIZE), seed=4)
    graph = inference_graph(checkpoint)
    bare = {"float32": to_float(graph), "float16": to_float16(graph), "uint8": to_int8(graph, probe_images(SIZE))}
    contents = {variant: add_metadata(model, CARD) for variant, model in bare.items()} | {"bare": bare["float32"]}
    for name, content in contents.items():
        (folder / f"{name}.tflite").write_bytes(content)
    return {name: folder / f"{name}.tflite" for name in contents}


@pytest.fixture(scope="module")
def client(
    models: Mapping[str, Path],
    portrait: np.ndarray[Any, Any],
    mediapipe_python: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> subprocess.CompletedProcess[str]:
    """The finished process of MediaPipe, which ran every model on the portrait."""
    folder = tmp_path_factory.mktemp("masks")
    np.save(folder / "portrait.npy", portrait)
    command = [mediapipe_python, CLIENT, folder, folder / "portrait.npy", *models.values()]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run


@pytest.fixture(scope="module")
def answers(client: subprocess.CompletedProcess[str], models: Mapping[str, Path]) -> dict[str, Any]:
    """The answer of MediaPipe about each model, by variant."""
    said = json.loads(client.stdout)
    return {name: said[str(path)] for name, path in models.items()}


def _mask(answer: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    assert answer["error"] is None
    (path,) = answer["masks"]  # one confidence mask
    mask = np.load(path)
    assert mask.dtype == np.float32
    return np.asarray(mask).reshape(SIZE, SIZE)


def _alpha(model: Path, image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    run = Interpreter(model_content=model.read_bytes()).get_signature_runner("serving_default")
    return np.asarray(run(image=image[None])["alpha"]).reshape(SIZE, SIZE)


def test_uint8_mask_is_our_alpha_byte_for_byte(
    answers: Mapping[str, Any], models: Mapping[str, Path], portrait: np.ndarray[Any, Any]
) -> None:
    confidence = _mask(answers["uint8"])
    alpha = _alpha(models["uint8"], portrait)
    assert alpha.min() < alpha.max()
    # The sigmoid's 8-bit scale is 1/256.
    np.testing.assert_array_equal(confidence * 256, alpha.astype(np.float32))


@pytest.mark.parametrize("variant", ["float32", "float16"])
def test_float_mask_is_our_alpha(
    variant: str, answers: Mapping[str, Any], models: Mapping[str, Path], portrait: np.ndarray[Any, Any]
) -> None:
    alpha = _alpha(models[variant], (portrait / 255).astype(np.float32))
    assert alpha.max() - alpha.min() > 0.1
    np.testing.assert_allclose(_mask(answers[variant]), alpha, rtol=0, atol=1e-5)


def test_float_model_without_metadata_is_refused(answers: Mapping[str, Any]) -> None:
    assert "NormalizationOptions" in answers["bare"]["error"]
    assert answers["bare"]["metadata"] is None


@pytest.mark.parametrize("variant", MODELS)
def test_upstreams_schema_reads_our_metadata(variant: str, answers: Mapping[str, Any]) -> None:
    metadata = answers[variant]["metadata"]
    said = [metadata[name] for name in ("name", "description", "version", "author", "license")]
    assert said == [CARD.name, CARD.description, CARD.version, CARD.author, CARD.licence]
    assert metadata["minParserVersion"] == "1.5.0"
    (subgraph,) = metadata["subgraphMetadata"]
    (image,), (alpha,) = subgraph["inputTensorMetadata"], subgraph["outputTensorMetadata"]
    assert (image["name"], alpha["name"]) == ("image", "alpha")
    assert f"{SIZE}x{SIZE}" in image["description"]
    rgb, grayscale = (tensor["content"]["contentProperties"]["colorSpace"] for tensor in (image, alpha))
    assert (rgb, grayscale) == (1, 2)
    white = [255.0] if variant == "uint8" else [1.0]
    assert image["stats"] == alpha["stats"] == {"min": [0.0], "max": white}
    normalization = [unit["options"] for unit in image.get("processUnits", [])]
    assert normalization == ([] if variant == "uint8" else [{"mean": [0.0], "std": [255.0]}])
    (segmenter,) = subgraph["customMetadata"]
    assert segmenter == {"name": "SEGMENTER_METADATA", "data": {"activation": 0, "minParserVersion": "1.0.0"}}


def test_only_the_bare_model_leaves_the_activation_open(client: subprocess.CompletedProcess[str]) -> None:
    """MediaPipe warns of a model that does not say which activation its output still needs."""
    assert client.stderr.count("No activation type is found in model metadata") == 1
