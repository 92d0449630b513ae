"""Reports of `inspect_model`, compared with figures counted by hand and with a real interpreter."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import SIZE, convert, matting_model, tensorflow, weights

from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.contents import Graph, Operator, Tensor, check_flatbuffer, read_graph
from mmnet.runtime.tflite.delegation import inspect_delegation
from mmnet.runtime.tflite.inspection import inspect_model
from mmnet.runtime.tflite.memory_plan import peak_activation_bytes

# By hand, from tiny_models.matting_network: kernels and biases; output values × kernel taps × channels.
PARAMETERS = (27 * 16 + 16) + 2 * (9 * 16 + 16) + (32 * 40 + 40) + (40 + 1)
MULTIPLY_ADDS = 32 * 32 * (27 * 16 + 2 * 9 * 16 + 32 * 40 + 40)
LAYERS = ["CONV_2D", "DEPTHWISE_CONV_2D", "DEPTHWISE_CONV_2D", "CONCATENATION", "CONV_2D", "CONV_2D"]
GRAPH = [*LAYERS, "RESIZE_BILINEAR", "LOGISTIC"]


# --- what is reported


@pytest.mark.parametrize(
    ("recipe", "quantized", "precisions", "per_channel"),
    [
        ("float32", False, {"float32": 5}, None),
        ("float16", False, {"float16": 5}, None),
        # The converter leaves kernels of fewer than 1024 weights as they are: all but one.
        ("dynamic", True, {"float32": 4, "dynamic": 1}, True),
        ("uint8", True, {"int8": 5}, True),
        ("per_tensor", True, {"int8": 5}, False),
    ],
)
def test_precision_and_cost(recipe: str, quantized: bool, precisions: dict[str, int], per_channel: bool | None) -> None:
    model = matting_model(recipe)
    report = inspect_model(model)
    assert (report.quantized, report.precisions, report.per_channel) == (quantized, precisions, per_channel)
    assert (report.parameters, report.multiply_adds) == (PARAMETERS, MULTIPLY_ADDS)
    assert (report.path, report.file_bytes, report.metadata) == (None, len(model), None)


def test_uint8_tensors_and_operators() -> None:
    report = inspect_model(matting_model("uint8"))
    assert report.graph_order == ("QUANTIZE", *GRAPH, "QUANTIZE")
    assert report.operators == {name: report.graph_order.count(name) for name in report.graph_order}
    assert list(report.operators.values()) == sorted(report.operators.values(), reverse=True)
    (image,), (alpha,) = report.inputs, report.outputs
    assert (image.shape, image.dtype, image.zero_point) == ((1, SIZE, SIZE, 3), "uint8", 0)
    assert image.scale == pytest.approx(1 / 255, rel=1e-3)
    assert (alpha.shape, alpha.dtype, alpha.zero_point) == ((1, SIZE, SIZE, 1), "uint8", 0)
    assert alpha.scale == 1 / 256
    (signature,) = report.signatures
    assert (signature.key, signature.inputs, signature.outputs) == ("serving_default", ("image",), ("alpha",))


def test_float_tensors_have_no_scale() -> None:
    report = inspect_model(matting_model("float32"))
    for tensor in (*report.inputs, *report.outputs):
        assert (tensor.dtype, tensor.scale, tensor.zero_point) == ("float32", None, None)


def _transposed(image: Any) -> Any:
    return tensorflow().nn.conv2d_transpose(image, weights(0, 2, 2, 5, 3), [1, 16, 16, 5], 2)


def _dense(image: Any) -> Any:
    tf = tensorflow()
    return tf.matmul(tf.reshape(image, [1, 8 * 8 * 3]), weights(0, 8 * 8 * 3, 7))


@pytest.mark.parametrize(
    ("network", "operator", "multiply_adds"),
    [
        (_transposed, "TRANSPOSE_CONV", 16 * 16 * 5 * 3),  # stride 2, kernel 2: one tap an output value
        (_dense, "FULLY_CONNECTED", 8 * 8 * 3 * 7),
    ],
)
def test_multiply_adds_of_other_layers(network: Any, operator: str, multiply_adds: int) -> None:
    report = inspect_model(convert(network, (1, 8, 8, 3)))
    assert operator in report.graph_order
    assert report.multiply_adds == multiply_adds


def test_report_is_json() -> None:
    report = inspect_model(matting_model("uint8"))
    again = json.loads(json.dumps(report.as_dict()))
    assert again["multiply_adds"] == MULTIPLY_ADDS
    assert again["delegation"]["partitions"] == 1
    assert again["inputs"][0]["shape"] == [1, SIZE, SIZE, 3]


def test_sidecar_recipe(tmp_path: Path) -> None:
    path = tmp_path / "mmnet.tflite"
    path.write_bytes(matting_model("float32"))
    assert inspect_model(path).sidecar_recipe is None
    (tmp_path / "mmnet.tflite.recipe.json").write_text('{"quantization": "float32"}')
    report = inspect_model(str(path))
    assert (report.path, report.sidecar_recipe) == (str(path), {"quantization": "float32"})


def test_the_recipe_of_another_model_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An export that is ended between its two files leaves the recipe of the model that it replaced."""
    path, recipe = tmp_path / "mmnet.tflite", tmp_path / "mmnet.tflite.recipe.json"
    path.write_bytes(matting_model("float32"))
    recorded = {"precision": "float32", "file": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}
    recipe.write_text(json.dumps(recorded))
    assert inspect_model(path).sidecar_recipe == recorded
    assert not caplog.messages
    path.write_bytes(matting_model("uint8"))
    assert inspect_model(path).sidecar_recipe is None
    (line,) = caplog.messages
    assert line.startswith(f"{recipe}: belongs to another model than {path}")


# --- XNNPACK's partitions


@pytest.mark.parametrize("recipe", ["float32", "float16"])
def test_one_partition_and_nothing_outside(recipe: str) -> None:
    report = inspect_model(matting_model(recipe))
    assert report.delegation.partitions == 1
    assert report.delegation.delegated == len(report.graph_order)
    assert report.delegation.outside == ()


def test_type_conversion_stays_outside() -> None:
    delegation = inspect_model(matting_model("uint8")).delegation
    assert (delegation.partitions, delegation.delegated) == (1, len(GRAPH))
    assert delegation.outside == ("QUANTIZE", "QUANTIZE")


def test_several_partitions() -> None:
    """XNNPACK has no cumulative sum and no reversal: each splits the graph."""
    tf = tensorflow()

    def network(image: Any) -> Any:
        x = tf.nn.conv2d(image, weights(0, 3, 3, 3, 4), 1, "SAME")
        x = tf.cumsum(x, 1)
        x = tf.nn.relu6(tf.nn.conv2d(x, weights(1, 1, 1, 4, 4), 1, "SAME")) + x
        x = tf.reverse(x, [2])
        return tf.nn.conv2d(x, weights(2, 1, 1, 4, 1), 1, "SAME")

    report = inspect_model(convert(network, (1, 16, 16, 3)))
    assert report.graph_order == ("CONV_2D", "CUMSUM", "CONV_2D", "ADD", "REVERSE_V2", "CONV_2D")
    assert report.delegation.partitions == 3
    assert (report.delegation.delegated, report.delegation.outside) == (4, ("CUMSUM", "REVERSE_V2"))


def test_operator_beside_a_partition_is_outside() -> None:
    """A branch that XNNPACK does not run, parallel to one that it runs."""
    tf = tensorflow()

    def network(image: Any) -> Any:
        return tf.nn.conv2d(image, weights(0, 3, 3, 3, 3), 1, "SAME") + tf.cumsum(image, 1)

    delegation = inspect_model(convert(network, (1, 16, 16, 3))).delegation
    assert (delegation.delegated, delegation.outside) == (2, ("CUMSUM",))


def test_no_partition() -> None:
    tf = tensorflow()
    report = inspect_model(convert(lambda image: tf.cumsum(image, 1), (1, 8, 8, 3)))
    assert (report.delegation.partitions, report.delegation.delegated) == (0, 0)
    assert report.delegation.outside == ("CUMSUM",)
    assert (report.quantized, report.precisions, report.multiply_adds) == (False, {}, 0)


# --- the tensor arena


def _arena_of_interpreter(model: bytes) -> int:
    """The span of addresses of the activations with reference kernels, which need no scratch memory."""
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    spans: list[tuple[int, int]] = []
    for index, tensor in enumerate(read_graph(model).tensors):
        if not tensor.constant:
            start = interpreter.tensor(index)().__array_interface__["data"][0]
            spans.append((start, start + tensor.nbytes))
    return max(end for _, end in spans) - min(start for start, _ in spans)


def _encoder_decoder(image: Any) -> Any:
    tf = tensorflow()
    x, shortcuts = image, []
    for level, channels in enumerate((5, 9, 17)):
        x = tf.nn.relu6(tf.nn.conv2d(x, weights(level, 1, 1, x.shape[-1], channels), 2, "SAME"))
        shortcuts.append(x)
    for shortcut in reversed(shortcuts[:-1]):
        x = tf.image.resize(x, shortcut.shape[1:3])
        x = tf.concat([x, tf.nn.relu6(shortcut * 0.5)], -1)
    return tf.sigmoid(tf.reduce_mean(x, -1, keepdims=True))


@pytest.mark.parametrize("size", [24, 40, 72])
def test_arena_is_the_interpreters(size: int) -> None:
    model = convert(_encoder_decoder, (1, size, size, 3))
    assert inspect_model(model).peak_activation_bytes == _arena_of_interpreter(model)


@pytest.mark.parametrize("recipe", ["float32", "uint8"])
def test_arena_of_a_matting_model_is_the_interpreters(recipe: str) -> None:
    model = matting_model(recipe)
    assert inspect_model(model).peak_activation_bytes == _arena_of_interpreter(model)


@st.composite
def _graphs(draw: st.DrawFn) -> Graph:
    """Operator i writes tensor i + 1 and reads one or two earlier tensors; tensor 0 is the input."""
    count = draw(st.integers(1, 12))
    sizes = draw(st.lists(st.integers(1, 400), min_size=count + 1, max_size=count + 1))
    operators = tuple(
        Operator("ADD", tuple(draw(st.lists(st.integers(0, step), min_size=1, max_size=2))), (step + 1,))
        for step in range(count)
    )
    tensors = tuple(Tensor(str(index), (size,), "uint8") for index, size in enumerate(sizes))
    return Graph(operators, tensors, (0,), (count,), ())


@given(_graphs())
def test_arena_holds_what_lives_at_the_same_time(graph: Graph) -> None:
    end = len(graph.operators)
    last = {index: step for step, operator in enumerate(graph.operators) for index in operator.inputs}
    alive = [
        sum(
            tensor.nbytes
            for index, tensor in enumerate(graph.tensors)
            if max(index - 1, 0) <= step and (index in (0, end) or step <= last.get(index, end))
        )
        for step in range(end)
    ]
    padded = sum(-(-tensor.nbytes // 64) * 64 for tensor in graph.tensors)
    assert max(alive) <= peak_activation_bytes(graph) <= padded


def test_arena_reuses_memory() -> None:
    tensors = tuple(Tensor(str(index), (64,), "uint8") for index in range(9))
    operators = tuple(Operator("ADD", (first,), (second,)) for first, second in pairwise(range(9)))
    # The input, which stays, and two places that the others take in turns.
    assert peak_activation_bytes(Graph(operators, tensors, (0,), (8,), ())) == 3 * 64


# --- bad input


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.tflite: no such model"):
        inspect_model(tmp_path / "none.tflite")
    with pytest.raises(ModelError, match="a folder"):
        inspect_model(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be read: Not a directory"):
        inspect_model(tmp_path / "file" / "mmnet.tflite")


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        (b"", "empty"),
        (b"\0" * 100, "not a .tflite model"),
        (b"PK\x03\x04 a zip", "not a .tflite model"),
        (np.random.default_rng(0).bytes(4000), "not a .tflite model"),
        (b"\x1c\0\0\0TFL3", "damaged"),
        (b"\x1c\0\0\0TFL3" + np.random.default_rng(0).bytes(4000), "damaged"),
    ],
)
def test_not_a_model(tmp_path: Path, contents: bytes, complaint: str) -> None:
    path = tmp_path / "mmnet.tflite"
    path.write_bytes(contents)
    with pytest.raises(ModelError, match=complaint) as caught:
        inspect_model(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("contents", ["{", "[1]", "\0"])
def test_damaged_sidecar_is_named(tmp_path: Path, contents: str) -> None:
    path = tmp_path / "mmnet.tflite"
    path.write_bytes(matting_model("float32"))
    (tmp_path / "mmnet.tflite.recipe.json").write_text(contents)
    with pytest.raises(ModelError, match=r"mmnet\.tflite\.recipe\.json: not a"):
        inspect_model(path)


@settings(deadline=None)
@given(st.data())
def test_truncated_model_is_refused(data: st.DataObject) -> None:
    model = matting_model("uint8")
    length = data.draw(st.integers(0, len(model) - 1))
    with pytest.raises(ModelError):
        inspect_model(model[:length])


def test_zero_point_outside_its_dtype_is_refused() -> None:
    """A zero point that LiteRT trusts, although it may crash on it."""
    with pytest.raises(ModelError, match="damaged"):
        check_flatbuffer(_with_output_zero_point(matting_model("uint8"), 1 << 24))
    check_flatbuffer(_with_output_zero_point(matting_model("uint8"), 255))


def test_crash_of_litert_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crashing = tmp_path / "python"
    crashing.write_text("#!/bin/sh\nkill -SEGV $$\n")
    crashing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(crashing))
    with pytest.raises(ModelError, match=r"crashes LiteRT \(SIGSEGV\)"):
        inspect_delegation(matting_model("uint8"))


def _with_output_zero_point(model: bytes, value: int) -> bytes:
    subgraph = schema.Model.GetRootAs(model).Subgraphs(0)
    zero_points = subgraph.Tensors(int(subgraph.Outputs(0))).Quantization().ZeroPointAsNumpy()
    start = zero_points.ctypes.data - np.frombuffer(model, np.uint8).ctypes.data
    return model[:start] + value.to_bytes(8, "little") + model[start + 8 :]


def test_model_that_litert_cannot_run() -> None:
    """Damage that the tables do not show: RESIZE_BILINEAR becomes a CONV_2D without a kernel."""
    tree = schema.ModelT.InitFromPackedBuf(matting_model("float32"))
    for code in tree.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.RESIZE_BILINEAR:
            code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    builder = flatbuffers.Builder()
    builder.Finish(tree.Pack(builder), b"TFL3")
    with pytest.raises(ModelError, match="LiteRT cannot run the model"):
        inspect_model(bytes(builder.Output()))


_FUZZ = """
import sys
from ai_edge_litert.interpreter import Interpreter
from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.metadata import read_metadata
from mmnet.runtime.tflite.contents import check_flatbuffer

refused = 0
for line in sys.stdin.buffer:
    model = bytes.fromhex(line.decode())
    try:
        check_flatbuffer(model)
        read_metadata(model)
        interpreter = Interpreter(model_content=model)
        interpreter.allocate_tensors()
    except (ModelError, ValueError, RuntimeError):
        refused += 1
print(refused)
"""


def test_checked_model_never_ends_the_process() -> None:
    """Flip bits in a model: LiteRT loads, or refuses with an error, whatever passes the check."""
    model = matting_model("uint8")
    generator = random.Random(0)
    damaged = []
    for _ in range(400):
        flipped = bytearray(model)
        flipped[generator.randrange(len(model))] ^= 1 << generator.randrange(8)
        damaged.append(bytes(flipped).hex())
    run = subprocess.run(
        [sys.executable, "-P", "-c", _FUZZ],
        input="\n".join(damaged).encode(),
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    assert 0 < int(run.stdout) < 400
