"""Mutators: functions that return a changed copy of a file's bytes."""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Callable
from random import Random
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

Mutator = Callable[[bytes, Random], bytes]

_NUMBERS = [0, 1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1]
_VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 10**400, 0.5, 1e308, float("nan"), float("inf"), "", "x", "\ud800",
    "\udce9", "\x1b[31m", "a\nb", "../../x", "%20", [], {}, [[]], {"a": {}}, [1, 2], {"": None},
]  # fmt: skip


def mutate_bytes(data: bytes, random: Random) -> bytes:
    """Change one to eight places: bits, bytes, numbers, and parts that are cut out, repeated, moved or zeroed."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
        if not changed:
            return b""
        at, length = random.randrange(len(changed)), random.choice((1, 2, 4, 16, 256, 4096))
        match random.randrange(8):
            case 0 | 1:
                changed[at] ^= 1 << random.randrange(8)
            case 2:
                changed[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
            case 3:
                order = random.choice("<>")
                changed[at : at + 4] = struct.pack(f"{order}I", random.choice(_NUMBERS))
            case 4:
                del changed[at : at + length]
            case 5:
                changed[at:at] = changed[at : at + length]
            case 6:
                other = random.randrange(len(changed))
                changed[at : at + length] = changed[other : other + length]
            case _:
                changed[at : at + length] = bytes(len(changed[at : at + length]))
    return bytes(changed) if random.random() < 0.9 else bytes(changed[: random.randrange(len(changed) + 1)])


def mutate_front(data: bytes, random: Random) -> bytes:
    """Change the first kilobytes only, where most formats keep their headers."""
    front = min(len(data), random.choice((64, 512, 4096)))
    return mutate_bytes(data[:front], random) + data[front:]


def mutate_back(data: bytes, random: Random) -> bytes:
    """Change the last kilobytes only, where archives and Parquet keep their directories."""
    back = min(len(data), random.choice((64, 512, 4096)))
    return data[: len(data) - back] + mutate_bytes(data[len(data) - back :], random)


def mutate_json(data: bytes, random: Random) -> bytes:
    """Replace, remove, rename or repeat one to three members of a JSON document; sometimes nest one deep."""
    document = json.loads(data)
    for _ in range(random.choice((1, 1, 2, 3))):
        holder: Any = random.choice(_holders(document) or [[]])
        if not holder:
            continue
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = random.choice(keys)
        match random.randrange(6):
            case 0 | 1 | 2:
                holder[key] = random.choice(_VALUES)
            case 3:
                del holder[key]
            case 4 if isinstance(holder, dict):
                holder[random.choice(("", "x", "\ud800", str(key) * 2))] = holder.pop(key)
            case _:
                deep: Any = holder[key]
                for _ in range(random.choice((1, 5, 200))):
                    deep = [deep] if random.random() < 0.5 else {"a": deep}
                holder[key] = deep
    text = json.dumps(document)
    return text.encode() if random.random() < 0.9 else mutate_bytes(text.encode(), random)


def _holders(value: Any) -> list[Any]:
    """The mappings and lists in a document, itself included."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [value] if isinstance(value, dict | list) else []
    return found + [holder for one in inner for holder in _holders(one)]


def deepened(data: bytes, random: Random) -> bytes:
    """Insert thousands of brackets somewhere into a JSON text."""
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice((b"[", b'{"a":')) * random.choice((1000, 20_000, 200_000)) + data[at:]


def mutate_model(data: bytes, random: Random) -> bytes:
    """Change one to three fields of a .tflite, which stays a valid flatbuffer."""
    tree = schema.ModelT.InitFromPackedBuf(data)
    for _ in range(random.choice((1, 1, 2, 3))):
        _change(random.choice(_tables(tree)), tree, random)
    builder = flatbuffers.Builder(1 << 20)
    try:
        builder.Finish(tree.Pack(builder), b"TFL3")
    except Exception:  # a value that the field cannot hold
        return mutate_bytes(data, random)
    return bytes(builder.Output())


def _tables(tree: Any) -> list[Any]:
    graph = tree.subgraphs[0]
    options = [operator.builtinOptions for operator in graph.operators if operator.builtinOptions is not None]
    quantization = [tensor.quantization for tensor in graph.tensors if tensor.quantization is not None]
    groups = [graph.operators, graph.operators, graph.tensors, options, quantization, tree.operatorCodes, [graph]]
    groups += [tree.signatureDefs or [graph], tree.buffers, tree.metadata or [graph], [tree]]
    return [table for group in groups for table in group[:: max(1, len(group) // 20)]]


def _change(table: Any, tree: Any, random: Random) -> None:
    names = [name for name in vars(table) if not name.startswith("_")]
    name = random.choice(names)
    value = getattr(table, name)
    if isinstance(value, bool):
        setattr(table, name, not value)
    elif isinstance(value, int):
        setattr(table, name, random.choice((0, 1, -1, 2, 3, 7, 127, 2**31 - 1, value + 1, max(value - 1, 0))))
    elif isinstance(value, float):
        setattr(table, name, random.choice((0.0, -1.0, 1e30, float("inf"), float("nan"), value * 2)))
    elif value is None or isinstance(value, bytes):
        setattr(table, name, random.choice((None, b"", b"x", b"image", b"\xff\xfe")) if value is not None else None)
    elif hasattr(value, "__len__"):
        _change_list(table, name, list(value), tree, random)


def _change_list(table: Any, name: str, values: list[Any], tree: Any, random: Random) -> None:
    if values and random.random() < 0.6:
        at = random.randrange(len(values))
        if isinstance(values[at], int | float) or hasattr(values[at], "dtype"):
            tensors = len(tree.subgraphs[0].tensors)
            numbers = (0, 1, -1, 2, 255, 2**31 - 1, int(values[at]) + 1, random.randrange(tensors))
            values[at] = random.choice(numbers)
        else:
            values[at] = random.choice(values)
    else:
        with contextlib.suppress(IndexError):
            random.choice((values.clear, values.pop, lambda: values.append(values[0]), values.reverse))()
    setattr(table, name, values)
