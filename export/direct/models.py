"""The .tflite of a graph in each precision but `dynamic`, written without TensorFlow.

The functions have the names and the results of those of `mmnet.export.convert` and `mmnet.export.mixed`, which use
TensorFlow's converter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from mmnet.arrays import U8Array
from mmnet.export.direct.calibration import measure_plan
from mmnet.export.direct.flat import to_bytes
from mmnet.export.direct.integer import float_operators, in_8_bits, steps_of
from mmnet.export.direct.plan import Operator, Plan, Quantized, plan_of
from mmnet.export.direct.rounding import MEASURED, TRAINED
from mmnet.export.layers import layers_named
from mmnet.graph.inference import inference_graph
from mmnet.graph.layouts import FLOAT_LAYOUTS, INTEGER_LAYOUTS, Layout, lay_out
from mmnet.graph.operators import Graph
from mmnet.network.checkpoint import Checkpoint
from mmnet.quantize.activations import Limits
from mmnet.quantize.calibration import spanning
from mmnet.runtime.tflite.contents import read_graph
from mmnet.runtime.tflite.layers import Layer, layers


def float_tflite(checkpoint: Checkpoint) -> bytes:
    """Return a checkpoint's network as a float32 .tflite: input `image` and output `alpha` are float32 in 0-1.

    Raises:
        VariableError: the weights do not belong to the checkpoint's configuration.
    """
    return to_float(inference_graph(checkpoint))


def to_float(graph: Graph, *, layouts: Sequence[Layout] = FLOAT_LAYOUTS) -> bytes:
    """Return a graph with float32 weights; input `image` and output `alpha` are float32 in 0-1."""
    return to_bytes(plan_of(lay_out(graph, layouts)))


def to_float16(graph: Graph) -> bytes:
    """Return a graph with float16 weights; input, output and arithmetic stay float32."""
    plan = plan_of(lay_out(graph, FLOAT_LAYOUTS))
    tensors, operators = {}, []
    for name, tensor in plan.tensors.items():
        if tensor.data is None or tensor.dtype != "float32":
            tensors[name] = tensor
            continue
        half = f"{name}/float16"
        tensors[half] = replace(tensor, name=half, dtype="float16", data=tensor.data.astype(np.float16))
        tensors[name] = replace(tensor, data=None)
        operators.append(Operator("DEQUANTIZE", (half,), (name,)))
    return to_bytes(Plan(tensors, (*operators, *plan.operators)))


def to_int8(
    graph: Graph,
    images: U8Array,
    *,
    input_dtype: str = "uint8",
    layouts: Sequence[Layout] = INTEGER_LAYOUTS,
    progress: Callable[[int], None] = lambda done: None,
) -> bytes:
    """Return a graph in full-integer 8 bits, with activation ranges that are measured on images.

    Args:
        graph: the inference graph.
        images: uint8 [N, size, size, 3], RGB.
        input_dtype: `uint8` (pixels as they are, alpha bytes) or `float32` (0-1, quantized inside the model).
        layouts: the layouts to apply.
        progress: called with the number of images measured so far.
    """
    return calibrate(graph, images, layouts=layouts, progress=progress).quantize(input_dtype=input_dtype)


def to_int8_from_ranges(
    graph: Graph, limits: Limits, *, input_dtype: str = "uint8", layouts: Sequence[Layout] = INTEGER_LAYOUTS
) -> bytes:
    """Return a graph in full-integer 8 bits with given activation ranges, without photos.

    Args:
        graph: the inference graph.
        limits: the range of every activation; see `mmnet.quantize.activations`.
        input_dtype: dtype of input and output, as for `to_int8`.
        layouts: the layouts to apply.
    """
    graph = lay_out(graph, layouts)
    plan = plan_of(graph)
    return to_bytes(in_8_bits(plan, steps_of(graph, plan, limits, TRAINED), TRAINED, input_dtype))


@dataclass(frozen=True)
class Calibrated:
    """A float network with the measured steps of every activation, to be rounded to 8 bits in part or as a whole.

    Attributes:
        plan: its operators in float.
        steps: of every activation.
    """

    plan: Plan
    steps: dict[str, Quantized]

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that can be quantized, in the order in which they run."""
        return tuple(layers(read_graph(to_bytes(self.plan))))

    def named(self, names: Iterable[str]) -> frozenset[str]:
        """Return the layers of these names, where `enc_block0` stands for all layers of that block.

        Raises:
            UnknownLayerError: a name of no layer.
        """
        return layers_named(self.layers, names)

    def quantize(
        self, float_layers: Collection[str] = (), *, input_dtype: str = "uint8", movers_in_float: bool = False
    ) -> bytes:
        """Round all layers to 8 bits except the named ones.

        A float layer between 8-bit layers takes and gives 8 bits. An operator that only moves values (concatenation,
        split) is float if all layers around it are. Splits are float only if that holds for all of them.

        Args:
            float_layers: names of the layers that stay float.
            input_dtype: dtype of input and output, `uint8` or `float32`.
            movers_in_float: whether operators that only move values are float everywhere.

        Returns:
            The .tflite.
        """
        wide = movers_in_float or float_layers
        kept = float_operators(self.plan, float_layers, movers_in_float=movers_in_float) if wide else frozenset()
        return to_bytes(in_8_bits(self.plan, self.steps, MEASURED, input_dtype, kept))


def calibrate(
    graph: Graph,
    images: U8Array,
    *,
    layouts: Sequence[Layout] = INTEGER_LAYOUTS,
    progress: Callable[[int], None] = lambda done: None,
) -> Calibrated:
    """Measure the ranges of all activations.

    Args:
        graph: the inference graph.
        images: uint8 [N, size, size, 3], RGB.
        layouts: the layouts to apply.
        progress: called with the number of images measured so far.
    """
    graph = lay_out(graph, layouts)
    plan = plan_of(graph)
    limits = measure_plan(graph, plan, spanning(images), progress=progress)
    return Calibrated(plan, steps_of(graph, plan, limits, MEASURED))
