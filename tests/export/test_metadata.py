"""Metadata is added, read back, and changes nothing else in the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import SIZE, VARIANTS, convert, matting_model, tensorflow, weights

from mmnet.export.metadata import add_metadata
from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.contents import read_graph
from mmnet.runtime.tflite.inspection import inspect_model
from mmnet.runtime.tflite.metadata import METADATA_BUFFER, ModelMetadata, metadata_buffers, read_metadata

CARD = ModelMetadata(
    name="MMNet-1.0 64 int8",
    description="Portrait matting.",
    version="1.2.3",
    author="The makers",
    licence="Apache-2.0",
    recipe={"checkpoint": "mmnet-304500", "step": 304500, "excepted": ["final_block"], "note": "größer"},
)


@pytest.mark.parametrize("variant", VARIANTS)
def test_model_computes_what_it_did(variant: str) -> None:
    model = matting_model(variant)
    described = add_metadata(model, CARD)
    assert read_graph(described) == read_graph(model)
    np.testing.assert_array_equal(_run(described), _run(model))
    assert inspect_model(described).delegation == inspect_model(model).delegation


def _run(model: bytes) -> np.ndarray[Any, Any]:
    interpreter = Interpreter(model_content=model)
    run = interpreter.get_signature_runner("serving_default")
    dtype = run.get_input_details()["image"]["dtype"]
    pixels = np.random.default_rng(0).integers(0, 256, (1, SIZE, SIZE, 3))
    image = pixels.astype(np.uint8) if dtype == np.uint8 else (pixels / 255).astype(np.float32)
    return np.asarray(run(image=image)["alpha"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_other_metadata_and_every_operator_option_stay(variant: str) -> None:
    model = matting_model(variant)
    before, after = metadata_buffers(model), metadata_buffers(add_metadata(model, CARD))
    assert "min_runtime_version" in before
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"TFLITE_METADATA", "MMNET_RECIPE"}
    assert list(_leaves(_subgraph(add_metadata(model, CARD)))) == list(_leaves(_subgraph(model)))


def _subgraph(model: bytes) -> Any:
    tree = schema.ModelT.InitFromPackedBuf(model)
    for tensor in tree.subgraphs[0].tensors:
        tensor.buffer = tree.buffers[tensor.buffer].data
    return tree.subgraphs


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, np.ndarray):
        yield value.tobytes()
    elif hasattr(value, "__dict__"):
        for name, item in vars(value).items():
            yield name
            yield from _leaves(item)
    else:
        yield value


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_are_aligned(variant: str) -> None:
    model = add_metadata(matting_model(variant), CARD)
    start = np.frombuffer(model, np.uint8).ctypes.data
    root = schema.Model.GetRootAs(model)
    buffers = [root.Buffers(index) for index in range(root.BuffersLength())]
    places = [buffer.DataAsNumpy().ctypes.data - start for buffer in buffers if not buffer.DataIsNone()]
    assert len(places) > 5
    assert {place % 16 for place in places} == {0}


def test_same_bytes_and_idempotent() -> None:
    model = matting_model("uint8")
    once = add_metadata(model, CARD)
    assert add_metadata(model, CARD) == once
    assert add_metadata(once, CARD) == once
    assert add_metadata(add_metadata(model, replace(CARD, name="a longer name", recipe={})), CARD) == once


def test_read_back() -> None:
    model = matting_model("float32")
    assert read_metadata(model) is None
    assert read_metadata(add_metadata(model, CARD)) == CARD


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=40)
@given(st.builds(ModelMetadata, *[_TEXT] * 5, st.dictionaries(_TEXT, _JSON, max_size=4)))
def test_any_text_and_any_json_read_back(card: ModelMetadata) -> None:
    assert read_metadata(add_metadata(matting_model("uint8"), card)) == card


@pytest.mark.parametrize("value", [object(), float("nan"), b"bytes", 2**63, -(2**63) - 1, "\ud800"])
def test_recipe_must_be_json(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        add_metadata(matting_model("uint8"), replace(CARD, recipe={"value": value}))


def test_only_an_image_and_its_matte_are_described() -> None:
    tf = tensorflow()
    two_channels = convert(lambda image: tf.nn.conv2d(image, weights(0, 1, 1, 3, 2), 1, "SAME"), (1, 8, 8, 3))
    with pytest.raises(ModelError, match=r"takes \[1, 8, 8, 3\] and gives \[1, 8, 8, 2\]"):
        add_metadata(two_channels, CARD)
    vector = convert(lambda image: tf.reduce_mean(image, [1, 2]), (1, 8, 8, 3))
    with pytest.raises(ModelError, match=r"gives \[1, 3\]"):
        add_metadata(vector, CARD)


def test_not_a_model() -> None:
    for damaged in (b"", b"\0" * 100, matting_model("uint8")[:1000]):
        with pytest.raises(ModelError):
            add_metadata(damaged, CARD)
    with pytest.raises(ModelError):
        read_metadata(b"\0" * 100)


@pytest.mark.parametrize("damaged", [b"", b"\x1c\0\0\0M00", b"\xff\xff\0\0M001", b"\x08\0\0\0V001" + b"\0" * 40])
def test_damaged_metadata_is_refused(damaged: bytes) -> None:
    tree = schema.ModelT.InitFromPackedBuf(add_metadata(matting_model("uint8"), CARD))
    (entry,) = (entry for entry in tree.metadata if entry.name == METADATA_BUFFER.encode())
    tree.buffers[entry.buffer].data = np.frombuffer(damaged, np.uint8)
    builder = flatbuffers.Builder()
    builder.Finish(tree.Pack(builder), b"TFL3")
    with pytest.raises(ModelError, match="metadata is damaged"):
        read_metadata(bytes(builder.Output()))
