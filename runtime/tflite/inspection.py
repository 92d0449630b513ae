"""Reports on .tflite files: inputs and outputs, cost, and how the file was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from mmnet.failures import note
from mmnet.json_reader import read_json
from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.contents import Graph, Operator, Tensor, load_model, read_graph
from mmnet.runtime.tflite.delegation import Delegation, inspect_delegation
from mmnet.runtime.tflite.file import OTHER_FORMATS
from mmnet.runtime.tflite.memory_plan import peak_activation_bytes
from mmnet.runtime.tflite.metadata import ModelMetadata, belongs_to, read_metadata, recipe_path
from mmnet.runtime.tflite.shipped import shipped_path
from mmnet.runtime.tflite.support_tables import DelegateSupport, documented_support

# (dtype of activations, dtype of weights) -> the precision that exports such a layer
_PRECISIONS = {
    ("float32", "float32"): "float32",
    ("float32", "float16"): "float16",
    ("float32", "int8"): "dynamic",
    ("int8", "int8"): "int8",
    ("int16", "int8"): "int16x8",
}


@dataclass(frozen=True)
class TensorReport:
    """An input or output of the graph.

    Attributes:
        name, shape, dtype: see `Tensor`.
        scale, zero_point: value = scale · (stored − zero_point); both None if the tensor is not quantized.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True)
class SignatureReport:
    """A named entry point of the model, with the names of its arguments and results."""

    key: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class ModelReport:
    """A report on a .tflite. The figures of the graph are those of its first subgraph.

    Attributes:
        path: of the file; None if the report was made from bytes.
        file_bytes: size of the file.
        operators: operation -> how many operators; the most frequent first.
        graph_order: the operations in the order in which they run.
        quantized: whether the weights of some layer are integers.
        precisions: precision -> how many layers have it: float32, float16, dynamic (int8 weights, float activations),
            int8, int16x8; any other is written as "ACTIVATIONS x WEIGHTS".
        per_channel: whether all quantized convolution kernels have one scale per channel; None if none is quantized.
        inputs, outputs: tensors of the graph, in order.
        signatures: named entry points of the model.
        parameters: number of stored weights and biases; what several layers share counts once.
        multiply_adds: multiply-accumulate operations of the convolutions (ordinary, depthwise, transposed) and fully
            connected layers in one run.
        peak_activation_bytes: memory for activations with the built-in kernels, a lower bound; see
            `mmnet.runtime.tflite.memory_plan.peak_activation_bytes`.
        delegation: the part that XNNPACK runs.
        delegates: the part that other delegates take, by their documentation.
        metadata: what the file says about itself, with the embedded recipe; None if it has no metadata.
        sidecar_recipe: the JSON object in FILE.recipe.json beside the file; None if there is no such file, or if it
            records the hash of another model.
    """

    path: str | None
    file_bytes: int
    operators: Mapping[str, int]
    graph_order: tuple[str, ...]
    quantized: bool
    precisions: Mapping[str, int]
    per_channel: bool | None
    inputs: tuple[TensorReport, ...]
    outputs: tuple[TensorReport, ...]
    signatures: tuple[SignatureReport, ...]
    parameters: int
    multiply_adds: int
    peak_activation_bytes: int
    delegation: Delegation
    delegates: tuple[DelegateSupport, ...]
    metadata: ModelMetadata | None
    sidecar_recipe: Mapping[str, Any] | None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as data that JSON can hold."""
        return asdict(self)


def inspect_model(model: bytes | str | Path) -> ModelReport:
    """Report what is inside a .tflite, given its bytes or its path.

    A real interpreter counts the partitions of XNNPACK in a process of its own, so that a damaged model cannot end this
    process.

    Raises:
        ModelError: the file is missing, a folder, not a .tflite, damaged, or refused by LiteRT; or the recipe beside it
            is not a JSON object. The message names the file.
    """
    if isinstance(model, bytes):
        return _report(model, None)
    path = Path(model)
    recipe = recipe_path(shipped_path(path))
    try:
        contents = load_model(path)
    except ModelError as error:
        if path.suffix.lower() in OTHER_FORMATS and recipe.is_file() and _is_recipe_of(path, recipe):
            raise ModelError(f"{error}; how it was made is in the recipe beside it, {recipe}") from error
        raise
    sidecar = _read_sidecar(recipe)
    if sidecar is not None and not belongs_to(sidecar, contents):
        note(f"{recipe}: belongs to another model than {path}, and is left out; delete it, or export the model again")
        sidecar = None
    try:
        return _report(contents, path, sidecar)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _report(model: bytes, path: Path | None, sidecar: Mapping[str, Any] | None = None) -> ModelReport:
    graph = read_graph(model)
    # This comes first: LiteRT checks that tensors suit their operators, and the figures below rely on that.
    delegation = inspect_delegation(model)
    layers = list(_layers(graph))
    quantized = [layer for layer in layers if layer.kernel.scales]
    precisions = Counter(layer.precision for layer in layers)
    return ModelReport(
        path=None if path is None else str(path),
        file_bytes=len(model),
        operators=dict(Counter(operator.name for operator in graph.operators).most_common()),
        graph_order=tuple(operator.name for operator in graph.operators),
        quantized=bool(quantized),
        precisions=dict(precisions.most_common()),
        per_channel=all(layer.per_channel for layer in quantized) if quantized else None,
        inputs=tuple(map(_tensor_report, graph.inputs)),
        outputs=tuple(map(_tensor_report, graph.outputs)),
        signatures=tuple(
            SignatureReport(signature.key, tuple(signature.inputs), tuple(signature.outputs))
            for signature in graph.signatures
        ),
        parameters=_count_parameters(graph),
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        peak_activation_bytes=peak_activation_bytes(graph),
        delegation=delegation,
        delegates=documented_support([operator.name for operator in graph.operators]),
        metadata=read_metadata(model),
        sidecar_recipe=sidecar,
    )


def _tensor_report(tensor: Tensor) -> TensorReport:
    quantized = len(tensor.scales) == 1
    return TensorReport(
        tensor.name,
        tensor.shape,
        tensor.dtype,
        tensor.scales[0] if quantized else None,
        tensor.zero_points[0] if quantized else None,
    )


def _is_recipe_of(path: Path, recipe: Path) -> bool:
    """Whether the recipe beside a model of another format belongs to it; that of a folder is taken as it is."""
    try:
        return path.is_dir() or belongs_to(read_json(recipe), path.read_bytes())
    except (OSError, ValueError):
        return False


def _read_sidecar(path: Path) -> dict[str, Any] | None:
    try:
        recipe = read_json(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not a readable recipe ({error}); delete it or export the model again") from error
    if not isinstance(recipe, dict):
        raise ModelError(f"{path}: not a JSON object; delete it or export the model again")
    return recipe


# --- layers: the operators that multiply with a kernel


class _Kind(NamedTuple):
    """A kind of layer.

    Attributes:
        image: which input of the operator is the image.
        channel_axis: which axis of the kernel is the output channel.
        multiply_adds: (image, kernel, output) -> multiply-accumulate operations in one run.
    """

    image: int
    channel_axis: int
    multiply_adds: Callable[[Tensor, Tensor, Tensor], int]


# Shapes of kernels: CONV_2D and TRANSPOSE_CONV [out, h, w, in], DEPTHWISE_CONV_2D [1, h, w, out], FULLY_CONNECTED
# [out, in].
_KINDS = {
    "CONV_2D": _Kind(0, 0, lambda image, kernel, output: output.size * prod(kernel.shape[1:])),
    "DEPTHWISE_CONV_2D": _Kind(0, 3, lambda image, kernel, output: output.size * prod(kernel.shape[1:3])),
    "FULLY_CONNECTED": _Kind(0, 0, lambda image, kernel, output: output.size * kernel.shape[1]),
    # Every value of the image meets every value of the kernel; what the border crops is counted, too.
    "TRANSPOSE_CONV": _Kind(2, 0, lambda image, kernel, output: image.size * prod(kernel.shape[:3])),
}


class _Layer(NamedTuple):
    kind: _Kind
    image: Tensor
    kernel: Tensor
    output: Tensor

    @property
    def precision(self) -> str:
        pair = (self.image.dtype, self.kernel.dtype)
        return _PRECISIONS.get(pair, " x ".join(pair))

    @property
    def per_channel(self) -> bool:
        return len(self.kernel.scales) == self.kernel.shape[self.kind.channel_axis]

    @property
    def multiply_adds(self) -> int:
        return self.kind.multiply_adds(self.image, self.kernel, self.output)


def _layers(graph: Graph) -> Iterator[_Layer]:
    unpacked = {
        operator.outputs[0]: operator.inputs[0] for operator in graph.operators if operator.name == "DEQUANTIZE"
    }
    for operator in graph.operators:
        if kind := _KINDS.get(operator.name):
            kernel = operator.inputs[1]
            yield _Layer(
                kind,
                graph.tensors[operator.inputs[kind.image]],
                graph.tensors[unpacked.get(kernel, kernel)],
                graph.tensors[operator.outputs[0]],
            )


def multiply_adds_of(graph: Graph, operator: Operator) -> int:
    """Return the multiply-adds of one operator in one run; 0 if it multiplies with no kernel."""
    kind = _KINDS.get(operator.name)
    if kind is None:
        return 0
    image, kernel, output = operator.inputs[kind.image], operator.inputs[1], operator.outputs[0]
    return kind.multiply_adds(graph.tensors[image], graph.tensors[kernel], graph.tensors[output])


def _count_parameters(graph: Graph) -> int:
    """The number of weights and biases. Constants that are neither float nor quantized are shapes, axes or paddings."""
    return sum(
        tensor.size
        for tensor in graph.tensors
        if tensor.constant and (tensor.scales or tensor.dtype.startswith(("float", "bfloat")))
    )
