"""The operators that delegates take, as their documentation lists them.

The tables are those of the documents named in `source`, read on the day `read`. They say what a delegate takes in
general: whether it takes an operator of certain sizes, strides and dtypes is decided on the device. `mmnet benchmark
--benchmark-binary` shows that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class SupportTable:
    """The documented operators of a delegate.

    Attributes:
        delegate: its name.
        operators: the kinds of operators that it takes.
        note: what it takes besides, or under which condition, in words.
        source: the document.
        read: the day on which the document was read, YYYY-MM-DD.
    """

    delegate: str
    operators: frozenset[str]
    note: str
    source: str
    read: str


@dataclass(frozen=True)
class DelegateSupport:
    """The part of a model that a delegate takes, by its documentation.

    Attributes:
        delegate, note, source, read: as `SupportTable`.
        taken: how many operators it takes.
        outside: the kinds of the others, in the order of the graph.
    """

    delegate: str
    taken: int
    outside: tuple[str, ...]
    note: str
    source: str
    read: str


_GPU = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXP FULLY_CONNECTED LOGICAL_AND LOGISTIC LSTM MAX_POOL_2D
MAXIMUM MINIMUM MUL PAD PRELU RELU RELU6 RESHAPE RESIZE_BILINEAR SOFTMAX STRIDED_SLICE SUB TRANSPOSE_CONV
"""
_HEXAGON = """
ADD ARG_MAX ARG_MIN AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTH_TO_SPACE DEPTHWISE_CONV_2D FULLY_CONNECTED HARD_SWISH
L2_NORMALIZATION LOGISTIC MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG PACK PAD QUANTIZE RELU RELU6 RESHAPE
RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SLICE SOFTMAX SPACE_TO_DEPTH SPLIT STRIDED_SLICE SUB TANH TRANSPOSE
TRANSPOSE_CONV
"""

TABLES = (
    SupportTable(
        "GPU",
        frozenset(_GPU.split()),
        "computes in float; 8-bit models where quantization support is on",
        "TensorFlow, tensorflow/lite/g3doc/performance/gpu.md",
        "2026-11-30",
    ),
    SupportTable(
        "Hexagon DSP",
        frozenset(_HEXAGON.split()),
        "8-bit models alone; strides at most 3, resizes to at most 65 pixels; deprecated",
        "TensorFlow, tensorflow/lite/delegates/hexagon/README.md",
        "2026-11-30",
    ),
)


def documented_support(kinds: Sequence[str]) -> tuple[DelegateSupport, ...]:
    """Return what each delegate takes of the operators of a graph.

    Args:
        kinds: the kinds of the operators, in the order of the graph.
    """
    found = []
    for table in TABLES:
        outside = tuple(kind for kind in kinds if kind not in table.operators)
        found.append(
            DelegateSupport(table.delegate, len(kinds) - len(outside), outside, table.note, table.source, table.read)
        )
    return tuple(found)
