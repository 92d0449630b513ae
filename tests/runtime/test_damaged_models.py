"""Models that end LiteRT's process: refused by rule, or found out in a process of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from support import error_line, run

from mmnet.runtime import MattingModel, ModelError
from mmnet.runtime.model import default_model
from mmnet.runtime.tflite import probe
from mmnet.runtime.tflite.rules import check_rules

Operators = schema.BuiltinOperator


class Tree:
    """The shipped model as a tree that can be changed."""

    def __init__(self) -> None:
        self.tree: Any = schema.ModelT.InitFromPackedBuf(default_model())
        self.graph = self.tree.subgraphs[0]
        self.codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in self.tree.operatorCodes]

    def first(self, code: int) -> Any:
        return next(operator for operator in self.graph.operators if self.codes[operator.opcodeIndex] == code)

    def code_of(self, operator: Any) -> Any:
        return self.tree.operatorCodes[operator.opcodeIndex]

    def packed(self) -> bytes:
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.tree.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def leave_out(code: int, position: int) -> Callable[[Tree], None]:
    def change(model: Tree) -> None:
        inputs = list(model.first(code).inputs)
        inputs[position] = -1
        model.first(code).inputs = inputs

    return change


def first_inputs(code: int, count: int) -> Callable[[Tree], None]:
    def change(model: Tree) -> None:
        model.first(code).inputs = list(model.first(code).inputs)[:count]

    return change


def become_split(model: Tree) -> None:
    code = model.code_of(model.first(Operators.CONV_2D))
    code.builtinCode = code.deprecatedBuiltinCode = Operators.SPLIT


def one_becomes_split(model: Tree) -> None:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = Operators.SPLIT
    code.version = 1
    model.tree.operatorCodes.append(code)
    model.first(Operators.CONV_2D).opcodeIndex = len(model.tree.operatorCodes) - 1


def no_outputs(model: Tree) -> None:
    model.first(Operators.CONCATENATION).outputs = []


def no_operators(model: Tree) -> None:
    model.graph.operators = []


def other_subgraph(model: Tree) -> None:
    model.tree.signatureDefs[0].subgraphIndex = 1


def other_tensor(model: Tree) -> None:
    model.tree.signatureDefs[0].inputs[0].tensorIndex = 2**31


REFUSED: dict[str, tuple[Callable[[Tree], None], str]] = {
    "filter left out": (leave_out(Operators.CONV_2D, 1), "CONV_2D, lacks its input 1"),
    "depthwise filter left out": (leave_out(Operators.DEPTHWISE_CONV_2D, 1), "DEPTHWISE_CONV_2D, lacks its input 1"),
    "image left out": (leave_out(Operators.CONV_2D, 0), "lacks its input 0"),
    "part of a concatenation left out": (leave_out(Operators.CONCATENATION, 1), "CONCATENATION, lacks its input 1"),
    "no inputs": (first_inputs(Operators.CONV_2D, 0), "has 0 inputs"),
    "no size": (first_inputs(Operators.RESIZE_BILINEAR, 1), "RESIZE_BILINEAR, has 1 inputs"),
    "all convolutions become splits": (become_split, "SPLIT, has 3 inputs"),
    "one convolution becomes a split": (one_becomes_split, "SPLIT, has 3 inputs"),
    "no outputs": (no_outputs, "has 0 outputs"),
    "no operators": (no_operators, "no operators"),
    "a signature of another subgraph": (other_subgraph, "damaged"),
    "a signature of a tensor that does not exist": (other_tensor, "damaged"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_end_the_process_is_one_error(name: str, tmp_path: Path) -> None:
    change, why = REFUSED[name]
    model = Tree()
    change(model)
    path = tmp_path / "damaged.tflite"
    path.write_bytes(model.packed())
    with pytest.raises(ModelError, match=why) as caught:
        MattingModel(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scale", [1e8, 1e-30])
def test_weights_of_an_impossible_scale_do_not_end_the_process(scale: float) -> None:
    model = Tree()
    weights = model.graph.tensors[model.first(Operators.CONV_2D).inputs[1]]
    weights.quantization.scale = np.full_like(weights.quantization.scale, scale)
    assert not check_rules(model.packed()), "so it runs in another process first"
    with suppress(ModelError):
        MattingModel(model.packed()).close()


def test_the_commands_refuse_it_in_one_line(tmp_path: Path, photo: Path) -> None:
    model = Tree()
    leave_out(Operators.CONV_2D, 1)(model)
    path = tmp_path / "damaged.tflite"
    path.write_bytes(model.packed())
    assert "lacks its input 1" in error_line(run("mmnet", "matte", photo, "--model", path, cwd=tmp_path))
    assert "damaged" in error_line(run("mmnet", "inspect", path, cwd=tmp_path))


def test_models_that_ship_are_known_and_foreign_ones_are_not(tiny_model: Path) -> None:
    assert check_rules(default_model())
    assert not check_rules(tiny_model.read_bytes())


def test_a_shape_that_does_not_fit_is_not_known() -> None:
    model = Tree()
    result = model.graph.tensors[model.first(Operators.CONV_2D).outputs[0]]
    result.shape = [1, 2, 2, *result.shape[3:]]
    assert not check_rules(model.packed())


def test_a_foreign_model_runs_once_in_another_process(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    original = subprocess.run

    def counted(*arguments: Any, **options: Any) -> Any:
        started.append(arguments)
        return original(*arguments, **options)

    monkeypatch.setattr(probe, "_survived", set())
    monkeypatch.setattr(probe.subprocess, "run", counted)
    for _ in range(2):
        with MattingModel(tiny_model) as model:
            model.run(np.zeros((model.size, model.size, 3), np.uint8))
    assert len(started) == 1
    with MattingModel(default_model()):
        assert len(started) == 1


def test_a_model_that_ends_the_other_process_is_refused(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process is one that ends itself with SIGSEGV."""
    script = f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})"
    original = subprocess.run
    monkeypatch.setattr(probe, "_survived", set())
    monkeypatch.setattr(
        probe.subprocess, "run", lambda command, **options: original([sys.executable, "-c", script], **options)
    )
    with pytest.raises(ModelError, match=r"uint8\.tflite: the model crashes LiteRT \(SIGSEGV\)"):
        MattingModel(tiny_model)


def test_the_other_process_survives_what_litert_refuses(models: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "mmnet.runtime.tflite.probe", "xnnpack"],
        input=(models / "any_batch.tflite").read_bytes(), capture_output=True, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
