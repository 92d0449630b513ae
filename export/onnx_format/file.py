"""The inference graph as an ONNX model: float32, or 8 bits by pairs of QuantizeLinear and DequantizeLinear."""

from __future__ import annotations

import json
from typing import Any

from mmnet.errors import MissingExtraError
from mmnet.evaluation.onnx_model import RECIPE_KEY
from mmnet.export.direct.plan import Quantized
from mmnet.export.direct.rounding import TRAINED
from mmnet.export.onnx_format.nodes import OnnxNodes
from mmnet.graph.operators import Conv, Depthwise, Graph, Image, Relu6, Sigmoid
from mmnet.quantize.activations import IMAGE_LIMITS, Limits, activations
from mmnet.runtime.tflite.metadata import ModelMetadata
from mmnet.runtime.tflite.signature import INPUT, OUTPUT

OPSET = 17  # of 2022: every runtime of today reads it
_IR_VERSION = 8  # that of the same year


def load_onnx() -> Any:
    """Import and return the module `onnx`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "onnx") from error
    return onnx


def to_onnx(graph: Graph, card: ModelMetadata, limits: Limits | None = None) -> bytes:
    """Return a graph as an ONNX model with the input `image` and the output `alpha`, float32 in 0-1.

    Args:
        graph: the inference graph, without layouts.
        card: what the file says of itself; its recipe is stored as JSON.
        limits: the range of every activation, for a model in 8 bits; None for one in float32.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    onnx = load_onnx()
    image = graph.nodes[0].op
    assert isinstance(image, Image)
    contents = OnnxNodes(onnx, graph, {} if limits is None else _steps(graph, limits))
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    ends = [
        helper.make_tensor_value_info(name, real, [1, image.size, image.size, channels])
        for name, channels in ((INPUT, 3), (OUTPUT, 1))
    ]
    made = helper.make_graph(contents.nodes, "main", [ends[0]], [ends[1]], contents.constants)
    model = helper.make_model(
        made,
        producer_name="mmnet",
        producer_version=card.version,
        doc_string=card.description,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
    )
    recipe = json.dumps(card.recipe, sort_keys=True, ensure_ascii=False, allow_nan=False)
    named = {"name": card.name, "author": card.author, "license": card.licence, RECIPE_KEY: recipe}
    helper.set_model_props(model, named)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _steps(graph: Graph, limits: Limits) -> dict[str, Quantized]:
    """Return the steps of the output of every node that the 8-bit .tflite rounds. The alpha stays float."""
    names = activations(graph)
    fused = {
        node.name
        for node in graph.nodes
        if isinstance(node.op, Conv | Depthwise)
        and (reader := graph.only_reader(node.name)) is not None
        and isinstance(reader.op, Relu6)
    }
    found = {}
    for node in graph.nodes:
        if not isinstance(node.op, Sigmoid) and node.name not in fused:
            low, high = limits[names[node.name]] if node.name in names else IMAGE_LIMITS
            found[node.name] = TRAINED.activation(low, high)
    return found
