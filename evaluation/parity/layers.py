"""Where in the network two models begin to differ: the outputs of their layers, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.tflite.contents import Graph, read_graph
from mmnet.runtime.tflite.layers import Layer, layers


class LayersError(MMNetError):
    """The layers of two models cannot be matched with each other."""


@dataclass(frozen=True)
class LayerError:
    """How far one layer's output is from the reference's, over all values of all images.

    What the layers before it did wrong is in it: this is the error that arrived, not the one that arose.

    Attributes:
        name, kind: of the layer.
        shape: of its output.
        relative: root mean square of the error / root mean square of the reference.
        sqnr: the same as a signal-to-noise ratio, −20 log10(relative), in dB; infinite where there is no error.
        steps: root mean square of the error in steps of its 8-bit scale; None where it is not quantized.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    relative: float
    sqnr: float
    steps: float | None


def layer_errors(reference: bytes, other: bytes, images: Sequence[U8Array]) -> list[LayerError]:
    """Compare two models of one network layer by layer, in the order in which they run.

    Both run on the built-in kernels, which keep every output; the delegate does not.

    Args:
        reference, other: two .tflite, for example float32 and int8 of one graph.
        images: uint8 [S, S, 3], RGB; at least one, of both models' size.

    Raises:
        LayersError: they are not of one graph.
    """
    graphs = [read_graph(model) for model in (reference, other)]
    pairs = matched(*graphs)
    runs = [TracedModel(model) for model in (reference, other)]
    error, signal = np.zeros(len(pairs)), np.zeros(len(pairs))
    for image in images:
        for run in runs:
            run(image)
        for index, (ours, theirs) in enumerate(pairs):
            expected, found = runs[0].values(ours.tensor), runs[1].values(theirs.tensor)
            error[index] += np.square(found - expected, dtype=np.float64).mean()
            signal[index] += np.square(expected, dtype=np.float64).mean()
    errors = []
    for (ours, theirs), noise, power in zip(pairs, error / len(images), signal / len(images), strict=True):
        relative = float(np.sqrt(noise / power)) if power else float(noise > 0)
        scales = graphs[1].tensors[theirs.tensor].scales
        errors.append(
            LayerError(
                ours.name,
                ours.kind,
                graphs[0].tensors[ours.tensor].shape,
                relative,
                float(-20 * np.log10(relative)) if relative else float("inf"),
                float(np.sqrt(noise)) / scales[0] if scales else None,
            )
        )
    return errors


def matched(reference: Graph, other: Graph) -> list[tuple[Layer, Layer]]:
    """The layers of two graphs that compute the same thing: in order where the graphs agree, else by name.

    Raises:
        LayersError: nothing in them has the same place or the same name.
    """
    ours, theirs = layers(reference), layers(other)

    def shape(graph: Graph, layer: Layer) -> tuple[str, tuple[int, ...]]:
        return layer.kind, graph.tensors[layer.tensor].shape

    if [shape(reference, layer) for layer in ours] == [shape(other, layer) for layer in theirs]:
        return list(zip(ours, theirs, strict=True))
    by_name = {(layer.name, *shape(other, layer)): layer for layer in theirs}
    pairs = [(layer, by_name[key]) for layer in ours if (key := (layer.name, *shape(reference, layer))) in by_name]
    if not pairs:
        raise LayersError(
            f"the layers cannot be matched: one model has {len(ours)}, the other {len(theirs)}, and no name in common"
        )
    return pairs


class TracedModel:
    """A model that keeps the outputs of all its operators, on the built-in kernels."""

    def __init__(self, model: bytes) -> None:
        """Load a .tflite of one input, RGB in bytes or in 0-1."""
        self._interpreter = Interpreter(
            model_content=model,
            num_threads=2,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._interpreter.allocate_tensors()
        (self._image,) = self._interpreter.get_input_details()
        self._details: dict[int, Any] = {entry["index"]: entry for entry in self._interpreter.get_tensor_details()}

    def __call__(self, image: U8Array) -> None:
        """Run on an image, uint8 [S, S, 3], RGB."""
        floats = np.dtype(self._image["dtype"]) == np.float32
        value = image.astype(np.float32) / np.float32(255) if floats else image
        self._interpreter.set_tensor(self._image["index"], value[None])
        self._interpreter.invoke()

    def values(self, tensor: int) -> F32Array:
        """The real values of a tensor, by its index, float32 of its shape."""
        stored: AnyArray = self._interpreter.get_tensor(tensor)
        scale, zero_point = self._details[tensor]["quantization"]
        if not scale:
            return stored.astype(np.float32)
        return (stored.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
