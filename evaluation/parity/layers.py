"""Errors by layer: how far the output of every layer of one model is from the same layer of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.tflite.contents import Graph, read_graph
from mmnet.runtime.tflite.interpreter import Delegate, allocate, invoke, open_interpreter, real_values, write_image
from mmnet.runtime.tflite.layers import Layer, layers


class LayersError(MMNetError):
    """The layers of two models cannot be matched."""


@dataclass(frozen=True)
class LayerError:
    """The error of one layer's output against the reference, over all values of all images.

    The error accumulates: it contains the errors of all earlier layers.

    Attributes:
        name, kind: the name and the operator of the layer.
        shape: the shape of its output.
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
    """Compare two models of one network layer by layer, in the order in which the layers run.

    Both run on LiteRT's built-in kernels, which keep every output; the XNNPACK delegate does not.

    Args:
        reference, other: two .tflite, for example float32 and int8 of one graph.
        images: uint8 [S, S, 3], RGB, of the size of both models; at least one.

    Raises:
        LayersError: the two are not models of one graph.
    """
    graphs = [read_graph(model) for model in (reference, other)]
    pairs = matched(*graphs)
    runs = [TracedModel(model) for model in (reference, other)]
    error, signal = np.zeros(len(pairs)), np.zeros(len(pairs))
    for image in images:
        for run in runs:
            run(image)
        for index, (ours, theirs) in enumerate(pairs):
            expected, actual = runs[0].values(ours.tensor), runs[1].values(theirs.tensor)
            error[index] += np.square(actual - expected, dtype=np.float64).mean()
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
    """Match the layers of two graphs: in order if operators and shapes agree, else by name, operator and shape.

    Returns:
        The pairs, in the order of the reference.

    Raises:
        LayersError: no layer matches.
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
            f"the layers cannot be matched: one model has {len(ours)}, the other {len(theirs)}, with no name in "
            "common; compare two exports of one checkpoint"
        )
    return pairs


class TracedModel:
    """A model that keeps the outputs of all its operators, on LiteRT's built-in kernels."""

    def __init__(self, model: bytes) -> None:
        """Load a .tflite with one input: RGB as uint8, or as float32 in 0-1."""
        self._interpreter = open_interpreter(model, threads=2, delegate=Delegate.NONE, keep_tensors=True)
        allocate(self._interpreter)
        (self._image,) = self._interpreter.get_input_details()
        self._details: dict[int, Any] = {entry["index"]: entry for entry in self._interpreter.get_tensor_details()}

    def __call__(self, image: U8Array) -> None:
        """Run the model on an image, uint8 [S, S, 3], RGB."""
        write_image(self._interpreter, self._image["index"], image)
        invoke(self._interpreter)

    def values(self, tensor: int) -> F32Array:
        """Return the dequantized values of a tensor, by its index, as float32 of its shape."""
        return real_values(self._interpreter, self._details[tensor])
