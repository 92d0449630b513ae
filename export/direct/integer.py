"""The plan in 8 bits: int8 inside, the dtype of the caller at both ends, and float layers where they are wanted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from mmnet.export.direct.plan import Operator, Plan, Quantized, Tensor
from mmnet.export.direct.rounding import Arithmetic
from mmnet.graph.operators import Graph, Sigmoid
from mmnet.quantize.activations import IMAGE_LIMITS, Limits, activations
from mmnet.runtime.tflite.layers import MOVERS, layer_name
from mmnet.runtime.tflite.signature import INPUT, OUTPUT

# The axis of the output channels of a kernel in the file.
_CHANNELS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}
_ALPHA_STEPS = Quantized(np.array([1 / 256]), -128)  # of every sigmoid, by TensorFlow Lite's quantization specification
_UNSIGNED = 128  # what is added to an int8 to give the uint8 of the same value


def steps_of(graph: Graph, plan: Plan, limits: Limits, arithmetic: Arithmetic) -> dict[str, Quantized]:
    """Return the steps of every activation of a plan.

    Args:
        graph: the graph that the plan was made from.
        plan: its operators.
        limits: the name of each range (see `mmnet.quantize.activations.activations`) -> its lowest and highest value.
        arithmetic: of the scales.
    """
    names = activations(graph)
    sigmoids = {node.name for node in graph.nodes if isinstance(node.op, Sigmoid)}
    found = {}
    for tensor in plan.tensors.values():
        if tensor.node in sigmoids:
            found[tensor.name] = _ALPHA_STEPS
        elif tensor.node:
            low, high = limits[names[tensor.node]] if tensor.node in names else IMAGE_LIMITS
            found[tensor.name] = arithmetic.activation(low, high)
    return found


def in_8_bits(
    plan: Plan,
    steps: Mapping[str, Quantized],
    arithmetic: Arithmetic,
    input_dtype: str,
    float_operators: Collection[int] = (),
) -> Plan:
    """Return a float plan in 8 bits.

    XNNPACK has no conversion between uint8 and int8, but runs the way through float32, which gives the same bytes.

    Args:
        plan: the float plan.
        steps: of every activation; see `steps_of`.
        arithmetic: of weights and biases.
        input_dtype: `uint8` or `float32`, the dtype of the image and the alpha.
        float_operators: the indices of operators that stay float; see `float_operators`.
    """
    return _Rounding(plan, steps, arithmetic).run(input_dtype, float_operators)


class _Rounding:
    """The tensors and operators of an 8-bit plan, which are added one after the other."""

    def __init__(self, plan: Plan, steps: Mapping[str, Quantized], arithmetic: Arithmetic) -> None:
        self._plan = plan
        self._steps = steps
        self._arithmetic = arithmetic
        self._tensors: dict[str, Tensor] = {}
        self._operators: list[Operator] = []
        self._versions: dict[tuple[str, str], str] = {}  # tensor of the float plan, dtype -> its name here

    def run(self, input_dtype: str, float_operators: Collection[int]) -> Plan:
        self._begin(input_dtype)
        for index, operator in enumerate(self._plan.operators):
            if index in float_operators:
                self._keep(operator)
            else:
                self._round(operator)
        self._end(input_dtype)
        return Plan(self._tensors, tuple(self._operators))

    def _begin(self, dtype: str) -> None:
        image = self._plan.tensors[INPUT]
        if dtype == "uint8":
            self._add(self._unsigned(image))
            self._convert("DEQUANTIZE", INPUT, replace(image, name=f"{INPUT}/float"))
            self._versions[INPUT, "float32"] = f"{INPUT}/float"
        else:
            self._versions[INPUT, "float32"] = self._add(image)

    def _end(self, dtype: str) -> None:
        alpha, at = self._plan.tensors[OUTPUT], self._in(OUTPUT, "int8")
        if dtype == "uint8":
            between = replace(alpha, name=f"{at}/float")
            self._convert("DEQUANTIZE", at, between)
            self._convert("QUANTIZE", between.name, self._unsigned(alpha))
        else:
            self._convert("DEQUANTIZE", at, alpha)

    def _keep(self, operator: Operator) -> None:
        """Add an operator in float."""
        inputs = [self._constant(name) or self._in(name, "float32") for name in operator.inputs]
        self._put(operator, inputs, "float32")

    def _round(self, operator: Operator) -> None:
        """Add an operator in 8 bits."""
        inputs = [self._in(operator.inputs[0], "int8")] if operator.kind in _CHANNELS else []
        if inputs:
            kernel, bias = (self._plan.tensors[name] for name in operator.inputs[1:])
            assert kernel.data is not None
            assert bias.data is not None
            weights, scales = self._arithmetic.weights(kernel.data, _CHANNELS[operator.kind])
            sums, products = self._arithmetic.bias(bias.data, self._steps[operator.inputs[0]], scales)
            inputs.append(self._add(replace(kernel, dtype="int8", data=weights, quantized=scales)))
            inputs.append(self._add(replace(bias, dtype="int32", data=sums, quantized=products)))
        else:
            inputs = [self._constant(name) or self._in(name, "int8") for name in operator.inputs]
        self._put(operator, inputs, "int8")

    def _put(self, operator: Operator, inputs: list[str], dtype: str) -> None:
        outputs = []
        for name in operator.outputs:
            tensor = self._plan.tensors[name]
            if dtype == "int8":
                tensor = self._integer(tensor)
            if name == OUTPUT:  # the name of what the model gives
                tensor = replace(tensor, name=f"{OUTPUT}/{dtype}")
            outputs.append(self._add(tensor))
            self._versions[name, dtype] = tensor.name
        self._operators.append(replace(operator, inputs=tuple(inputs), outputs=tuple(outputs)))

    def _in(self, name: str, dtype: str) -> str:
        """Return an activation as float32 or as int8, and add its conversion where it is the other."""
        if (name, dtype) not in self._versions:
            tensor = replace(self._plan.tensors[name], name=f"{name}/{dtype}")
            other = self._versions[name, "float32" if dtype == "int8" else "int8"]
            if dtype == "int8":
                self._convert("QUANTIZE", other, replace(self._integer(self._plan.tensors[name]), name=tensor.name))
            else:
                self._convert("DEQUANTIZE", other, tensor)
            self._versions[name, dtype] = tensor.name
        return self._versions[name, dtype]

    def _constant(self, name: str) -> str:
        """Add a constant of a float plan as it is and return its name; an empty text for what is no constant."""
        tensor = self._plan.tensors[name]
        return "" if tensor.data is None else self._add(tensor)

    def _convert(self, kind: str, source: str, result: Tensor) -> None:
        self._operators.append(Operator(kind, (source,), (self._add(result),)))

    def _integer(self, tensor: Tensor) -> Tensor:
        return replace(tensor, dtype="int8", quantized=self._steps[tensor.name])

    def _unsigned(self, tensor: Tensor) -> Tensor:
        steps = self._steps[tensor.name]
        return replace(tensor, dtype="uint8", quantized=replace(steps, zero_point=steps.zero_point + _UNSIGNED))

    def _add(self, tensor: Tensor) -> str:
        self._tensors[tensor.name] = tensor
        return tensor.name


def float_operators(plan: Plan, layers: Collection[str], *, movers_in_float: bool = False) -> frozenset[int]:
    """Return the indices of the operators that stay float with some layers.

    An operator that only moves values is float if all layers around it are, also beyond other movers. The parts of a
    split are 8-bit ones unless every split of the plan is float, as with TensorFlow's converter.

    Args:
        plan: the float plan.
        layers: names of layers; see `mmnet.runtime.tflite.layers`.
        movers_in_float: whether operators that only move values are float everywhere.
    """
    chosen = {
        index
        for index, op in enumerate(plan.operators)
        if (movers_in_float if op.kind in MOVERS else layer_name(op.outputs[0]) in layers)
    }
    if not movers_in_float:
        around = _layers_around_movers(plan)
        chosen |= {index for index, near in around.items() if near <= chosen}
    splits = {index for index, op in enumerate(plan.operators) if op.kind == "SPLIT"}
    return frozenset(chosen if splits <= chosen else chosen - splits)


def _layers_around_movers(plan: Plan) -> dict[int, set[int]]:
    """Return the index of each operator that moves values -> those of the layers around it."""
    producer = {name: index for index, op in enumerate(plan.operators) for name in op.outputs}
    readers: dict[str, list[int]] = {}
    for index, op in enumerate(plan.operators):
        for name in op.inputs:
            readers.setdefault(name, []).append(index)
    found: dict[int, set[int]] = {}
    for start, op in enumerate(plan.operators):
        if op.kind not in MOVERS:
            continue
        near, seen, waiting = set(), {start}, [start]
        while waiting:
            at = plan.operators[waiting.pop()]
            around = [producer[name] for name in at.inputs if name in producer]
            around += [reader for name in at.outputs for reader in readers.get(name, [])]
            for index in around:
                if plan.operators[index].kind not in MOVERS:
                    near.add(index)
                elif index not in seen:
                    seen.add(index)
                    waiting.append(index)
        found[start] = near
    return found
