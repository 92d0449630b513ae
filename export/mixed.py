"""8 bits for most layers, floats for those that bear them badly.

The converter works in two steps, measuring ranges and rounding to them; here they are taken apart, since rounding
takes a twentieth of a second and can be done again for every choice of layers. What comes out is the converter's own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mmnet.arrays import U8Array
from mmnet.errors import MMNetError
from mmnet.export.convert import SIGNATURE, configure_int8, convert, named_as_in_the_signature
from mmnet.graph.operators import Graph
from mmnet.network.tensorflow import load_tensorflow
from mmnet.runtime.tflite.contents import Graph as Operators
from mmnet.runtime.tflite.contents import read_graph
from mmnet.runtime.tflite.layers import MOVERS, Layer, layers

__all__ = ["SIGNATURE", "Calibrated", "UnknownLayerError", "calibrate"]


class UnknownLayerError(MMNetError):
    """A layer was to stay float that the network does not have."""


@dataclass(frozen=True)
class Calibrated:
    """The network in floats with the measured range of every tensor: to be rounded in part or whole.

    Attributes:
        model: a .tflite in float32 whose activations carry their ranges.
    """

    model: bytes

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that can be quantized or not, in the order in which they run."""
        return tuple(layers(self._graph))

    def named(self, names: Iterable[str]) -> frozenset[str]:
        """The layers of these names, where a name stands for all layers below it too: `enc_block0` for its block.

        Raises:
            UnknownLayerError: a name of no layer.
        """
        known = [layer.name for layer in self.layers]
        found: set[str] = set()
        for name in names:
            these = [layer for layer in known if layer == name or layer.startswith(f"{name}/")]
            if not these:
                blocks = dict.fromkeys(layer.block for layer in self.layers)
                raise UnknownLayerError(
                    f"layer {name!r} is unknown; the blocks are {', '.join(blocks)}, and mmnet sensitivity lists all"
                )
            found.update(these)
        return frozenset(found)

    def quantize(
        self, floats: Collection[str] = (), *, input_dtype: str = "uint8", movers_in_floats: bool = False
    ) -> bytes:
        """Round all layers to 8 bits but those named.

        A float layer reads and gives 8 bits where its neighbours do. What only moves values (concatenation, split)
        is in floats where all its neighbours are; of the splits, where that holds for all of them.

        Args:
            floats: names of layers.
            input_dtype: `uint8` or `float32`, of input and output.
            movers_in_floats: whether what only moves values is in floats everywhere.
        """
        return named_as_in_the_signature(
            self.rounded(floats, input_dtype=input_dtype, movers_in_floats=movers_in_floats)
        )

    def rounded(
        self, floats: Collection[str] = (), *, input_dtype: str = "uint8", movers_in_floats: bool = False
    ) -> bytes:
        """As `quantize`, to be run and thrown away: the tensors have the converter's names, which takes less time."""
        tf = load_tensorflow()
        from tensorflow.lite.python.convert import mlir_quantize

        nodes = self._nodes(frozenset(floats), movers_in_floats)
        model: bytes = mlir_quantize(
            self.model,
            input_data_type=tf.as_dtype(input_dtype),
            output_data_type=tf.as_dtype(input_dtype),
            denylisted_nodes=sorted(nodes),
            denylisted_ops=self._kinds(nodes),
        )
        return model

    @cached_property
    def _graph(self) -> Operators:
        return read_graph(self.model)

    def _nodes(self, floats: frozenset[str], movers_in_floats: bool) -> set[str]:
        """What the converter calls the operators that stay float: the names of their outputs, joined."""
        graph = self._graph
        in_floats = {layer.tensor for layer in self.layers if layer.name in floats}
        nodes = {graph.tensors[tensor].name for tensor in in_floats}
        producer = {tensor: op for op in graph.operators for tensor in op.outputs}
        readers: dict[int, list[Any]] = {}
        for op in graph.operators:
            for tensor in op.inputs:
                readers.setdefault(tensor, []).append(op)

        def neighbours(start: Any) -> set[int]:
            """The layers around a mover, through other movers; as the tensors that they give."""
            found: set[int] = set()
            seen, waiting = {start.outputs[0]}, [start]
            while waiting:
                op = waiting.pop()
                around = [producer[tensor] for tensor in op.inputs if tensor in producer]
                around += [reader for tensor in op.outputs for reader in readers.get(tensor, [])]
                for near in around:
                    if near.name not in MOVERS:
                        found.add(near.outputs[0])
                    elif near.outputs[0] not in seen:
                        seen.add(near.outputs[0])
                        waiting.append(near)
            return found

        for op in graph.operators:
            if op.name in MOVERS and (movers_in_floats or neighbours(op) <= in_floats):
                nodes.add(graph.tensors[op.outputs[0]].name)
        return nodes

    def _kinds(self, nodes: set[str]) -> list[str]:
        """The kinds of operators that all stay float, of those that the converter does not know by name.

        That is what has several outputs: one split among others cannot be told from them, and stays in 8 bits.
        """
        graph = self._graph
        of_kind: dict[str, list[bool]] = {}
        for op in graph.operators:
            if len(op.outputs) > 1:
                of_kind.setdefault(op.name, []).append(graph.tensors[op.outputs[0]].name in nodes)
        return [kind for kind, in_floats in of_kind.items() if all(in_floats)]


def calibrate(graph: Graph, images: U8Array, *, progress: Callable[[int], None] = lambda done: None) -> Calibrated:
    """Measure the ranges of all activations.

    Args:
        graph, images, progress: as `mmnet.export.convert.to_int8`.

    Raises:
        ConversionError: TensorFlow's converter refused.
    """

    def configure(converter: Any, tf: Any) -> None:
        configure_int8(converter, tf, images, "uint8", progress)
        converter._experimental_calibrate_only = True

    return Calibrated(convert(graph, configure))
