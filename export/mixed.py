"""Models of which most layers are 8-bit and the most sensitive ones stay float.

The converter works in two steps: it measures ranges, then rounds to them. Here the steps are separate, since rounding
takes a twentieth of a second and can be repeated for every choice of layers. The result is the converter's own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mmnet.arrays import U8Array
from mmnet.export.convert import configure_int8, convert, finished
from mmnet.export.layers import layers_named
from mmnet.graph.layouts import INTEGER_LAYOUTS, lay_out
from mmnet.graph.operators import Graph
from mmnet.network.tensorflow import load_tensorflow
from mmnet.runtime.tflite import contents
from mmnet.runtime.tflite.layers import MOVERS, Layer, layers


@dataclass(frozen=True)
class Calibrated:
    """A float network with the measured range of every tensor, to be rounded to 8 bits in part or as a whole.

    Attributes:
        model: a .tflite in float32 whose activations carry their ranges.
    """

    model: bytes

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that can be quantized, in the order in which they run."""
        return tuple(layers(self._graph))

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
        return finished(self.rounded(float_layers, input_dtype=input_dtype, movers_in_float=movers_in_float))

    def rounded(
        self, float_layers: Collection[str] = (), *, input_dtype: str = "uint8", movers_in_float: bool = False
    ) -> bytes:
        """Round like `quantize`, but leave the converter's names of tensors, which takes less time.

        The result is meant to be run and thrown away.
        """
        tf = load_tensorflow()
        from tensorflow.lite.python.convert import mlir_quantize

        nodes = self._nodes(frozenset(float_layers), movers_in_float)
        model: bytes = mlir_quantize(
            self.model,
            input_data_type=tf.as_dtype(input_dtype),
            output_data_type=tf.as_dtype(input_dtype),
            denylisted_nodes=sorted(nodes),
            denylisted_ops=self._kinds(nodes),
        )
        return model

    @cached_property
    def _graph(self) -> contents.Graph:
        return contents.read_graph(self.model)

    def _nodes(self, float_layers: frozenset[str], movers_in_float: bool) -> set[str]:
        """The converter's names of the operators that stay float: the names of their outputs, joined."""
        graph = self._graph
        float_tensors = {layer.tensor for layer in self.layers if layer.name in float_layers}
        nodes = {graph.tensors[tensor].name for tensor in float_tensors}
        producer = {tensor: op for op in graph.operators for tensor in op.outputs}
        readers: dict[int, list[contents.Operator]] = {}
        for op in graph.operators:
            for tensor in op.inputs:
                readers.setdefault(tensor, []).append(op)

        def neighbours(start: contents.Operator) -> set[int]:
            """The layers around a mover, also beyond other movers, as the tensors that they give."""
            tensors: set[int] = set()
            seen, waiting = {start.outputs[0]}, [start]
            while waiting:
                op = waiting.pop()
                around = [producer[tensor] for tensor in op.inputs if tensor in producer]
                around += [reader for tensor in op.outputs for reader in readers.get(tensor, [])]
                for near in around:
                    if near.name not in MOVERS:
                        tensors.add(near.outputs[0])
                    elif near.outputs[0] not in seen:
                        seen.add(near.outputs[0])
                        waiting.append(near)
            return tensors

        for op in graph.operators:
            if op.name in MOVERS and (movers_in_float or neighbours(op) <= float_tensors):
                nodes.add(graph.tensors[op.outputs[0]].name)
        return nodes

    def _kinds(self, nodes: set[str]) -> list[str]:
        """The kinds of operators with several outputs of which every instance stays float.

        The converter does not know such operators by name, so they can only be excepted as a kind: if one split of
        several stays 8-bit, all do.
        """
        graph = self._graph
        of_kind: dict[str, list[bool]] = {}
        for op in graph.operators:
            if len(op.outputs) > 1:
                of_kind.setdefault(op.name, []).append(graph.tensors[op.outputs[0]].name in nodes)
        return [kind for kind, are_float in of_kind.items() if all(are_float)]


def calibrate(graph: Graph, images: U8Array, *, progress: Callable[[int], None] = lambda done: None) -> Calibrated:
    """Measure the ranges of all activations.

    Args:
        graph: the inference graph.
        images: uint8 [N, size, size, 3], RGB.
        progress: called with the number of images measured so far.

    Raises:
        ConversionError: TensorFlow's converter refused the graph.
    """

    def configure(converter: Any, tf: Any) -> None:
        configure_int8(converter, tf, images, "uint8", progress)
        converter._experimental_calibrate_only = True

    return Calibrated(convert(lay_out(graph, INTEGER_LAYOUTS), configure))
