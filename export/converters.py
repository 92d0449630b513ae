"""The two ways to make a .tflite of a graph: written directly, or by TensorFlow's converter.

The tests hold the first to the second: the same operators, the same constants, the same alphas.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from mmnet.export import convert, mixed
from mmnet.export.direct import models
from mmnet.graph.operators import Graph
from mmnet.runtime.tflite.layers import Layer


class CalibratedModel(Protocol):
    """A network with measured ranges, to be rounded to 8 bits in part or as a whole."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that can be quantized."""

    def named(self, names: Iterable[str]) -> frozenset[str]:
        """Return the layers of these names, or of blocks of these names."""

    def quantize(self, float_layers: Collection[str] = (), *, input_dtype: str = "uint8") -> bytes:
        """Return the .tflite in which all layers but the named ones are rounded to 8 bits."""


@dataclass(frozen=True)
class Converter:
    """One way to make a .tflite.

    Attributes:
        name: the value of `--converter`.
        to_float: graph -> a float32 .tflite.
        to_float16: graph -> a .tflite with float16 weights.
        to_int8_from_ranges: graph, limits, input_dtype -> an 8-bit .tflite with given ranges.
        calibrate: graph, images, progress -> a network with measured ranges.
        recipe: what recipes record of it, besides versions.
        tools: the packages whose versions recipes record.
    """

    name: str
    to_float: Callable[[Graph], bytes]
    to_float16: Callable[[Graph], bytes]
    to_int8_from_ranges: Callable[..., bytes]
    calibrate: Callable[..., CalibratedModel]
    recipe: dict[str, Any]
    tools: tuple[str, ...]


BY_NAME = {
    converter.name: converter
    for converter in (
        Converter(
            "direct",
            models.to_float,
            models.to_float16,
            models.to_int8_from_ranges,
            models.calibrate,
            {"converter": "direct"},
            ("ai-edge-litert", "flatbuffers", "numpy", "opencv-python-headless"),
        ),
        Converter(
            "tensorflow",
            convert.to_float,
            convert.to_float16,
            convert.to_int8_from_ranges,
            mixed.calibrate,
            {},
            ("tensorflow", "keras", "ai-edge-litert", "numpy", "opencv-python-headless"),
        ),
    )
}
