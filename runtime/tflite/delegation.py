"""The part of a model that XNNPACK runs, as a real interpreter reports it.

The interpreter runs in a process of its own (`python -m mmnet.runtime.tflite.delegation < model`), because LiteRT
ends the process on some damaged models, and writes to stderr.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from mmnet.json_reader import parse_json
from mmnet.runtime.errors import ModelError

_TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Delegation:
    """The partitions into which XNNPACK splits the graph.

    Attributes:
        partitions: how many subgraphs XNNPACK runs. One is best: each further one passes activations between XNNPACK
            and the built-in kernels twice.
        delegated: how many operators are inside the partitions.
        outside: names of the operators that the built-in kernels run, in the order of the graph.
    """

    partitions: int
    delegated: int
    outside: tuple[str, ...]


def inspect_delegation(model: bytes) -> Delegation:
    """Count the partitions that XNNPACK makes of the first subgraph of a .tflite on this machine.

    Raises:
        ModelError: LiteRT cannot load the model, cannot plan its memory, or crashes.
    """
    command = [sys.executable, "-P", "-m", "mmnet.runtime.tflite.delegation"]
    try:
        run = subprocess.run(command, input=model, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"LiteRT did not finish loading the model in {_TIMEOUT_SECONDS} s") from error
    if run.returncode < 0:
        name = signal.Signals(-run.returncode).name
        raise ModelError(f"the model crashes LiteRT ({name}): it is damaged; export or copy it again")
    answer = parse_json(run.stdout.splitlines()[-1]) if run.stdout else {}
    if "outside" not in answer:
        reason = answer.get("error") or run.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ModelError(f"LiteRT cannot run the model: {reason}")
    return Delegation(answer["partitions"], answer["delegated"], tuple(answer["outside"]))


def _ask_interpreter(model: bytes) -> dict[str, Any]:
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_content=model)
        operators = interpreter._get_ops_details()
        interpreter.allocate_tensors()  # applies the default delegate, which is XNNPACK
    except (ValueError, RuntimeError) as error:
        return {"error": " ".join(str(error).split())}
    # A delegate appends one node per partition and leaves the nodes that it replaces in the list.
    partitions = interpreter._get_ops_details()[len(operators) :]
    producers = {tensor: index for index, node in enumerate(operators) for tensor in node["outputs"].tolist()}
    taken = {index for partition in partitions for index in _members(partition, operators, producers)}
    return {
        "partitions": len(partitions),
        "delegated": len(taken),
        "outside": [node["op_name"] for index, node in enumerate(operators) if index not in taken],
    }


def _members(partition: dict[str, Any], operators: list[dict[str, Any]], producers: dict[int, int]) -> set[int]:
    """The indices of the operators between the inputs and the outputs of a partition, which compute it."""
    given = set(partition["inputs"].tolist())
    wanted = partition["outputs"].tolist()
    members: set[int] = set()
    while wanted:
        tensor = wanted.pop()
        index = producers.get(tensor)
        if tensor in given or index is None or index in members:
            continue
        members.add(index)
        wanted.extend(operators[index]["inputs"].tolist())
    return members


if __name__ == "__main__":
    print(json.dumps(_ask_interpreter(sys.stdin.buffer.read())))
