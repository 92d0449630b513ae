"""The command `mmnet inspect`: what is inside a .tflite."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mmnet.runtime.tflite.inspection import ModelReport, TensorReport, inspect_model


def inspect(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="The model to inspect.", show_default=False)],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON document on standard output.")
    ] = False,
) -> None:
    """Show the inputs, outputs and cost of a .tflite, how XNNPACK splits it, and how it was made.

    [bold]Examples[/]

    [cyan]mmnet inspect mmnet-1.0-256-int8.tflite[/]

    [cyan]mmnet inspect mmnet-1.0-256-int8.tflite --json | jq .delegation.partitions[/]
    """
    report = inspect_model(model)
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2, ensure_ascii=False))
    else:
        Console(highlight=False).print(_page(report))


def _page(report: ModelReport) -> Group:
    sections = [_heading(report), _tensors(report), _facts(_figures(report))]
    sections += [Group(Text(caption, "bold"), _facts(recipe)) for caption, recipe in _recipes(report)]
    return Group(*[part for section in sections for part in (section, "")][:-1])


def _heading(report: ModelReport) -> RenderableType:
    metadata = report.metadata
    # No counts if all layers have the same precision.
    precision = _counted(report.precisions if len(report.precisions) > 1 else dict.fromkeys(report.precisions, 1))
    weights = {None: "", True: ", per-channel", False: ", per-tensor"}[report.per_channel]
    file = _plain(f"{report.path} · {_kib(report.file_bytes)} · {precision or 'no weights'}{weights}")
    if metadata is None:
        return file
    terms = " · ".join(filter(None, [metadata.author, metadata.licence]))
    about = [_plain(line) for line in (metadata.description, terms) if line]
    return Group(_plain(f"{metadata.name} {metadata.version}".strip(), "bold"), file, *about)


def _tensors(report: ModelReport) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "name", "shape", "dtype", "scale", "zero point"):
        table.add_column(column, overflow="fold")
    for role, tensors in (("input", report.inputs), ("output", report.outputs)):
        for tensor in tensors:
            table.add_row(role, *map(_plain, _tensor(tensor)))
    return table


def _tensor(tensor: TensorReport) -> Iterator[str]:
    yield tensor.name
    yield "×".join(map(str, tensor.shape))
    yield tensor.dtype
    yield "" if tensor.scale is None else f"{tensor.scale:.6g}"
    yield "" if tensor.zero_point is None else str(tensor.zero_point)


def _figures(report: ModelReport) -> dict[str, str]:
    signatures = (
        f"{signature.key}: {', '.join(signature.inputs)} → {', '.join(signature.outputs)}"
        for signature in report.signatures
    )
    xnnpack = report.delegation
    partitions = "1 partition" if xnnpack.partitions == 1 else f"{xnnpack.partitions} partitions"
    outside = f"; outside: {_counted(Counter(xnnpack.outside))}" if xnnpack.outside else ""
    return {
        "signature": "; ".join(signatures) or "none",
        "operators": f"{len(report.graph_order)}: {_counted(report.operators)}",
        "parameters": f"{report.parameters:,}",
        "multiply-adds": f"{report.multiply_adds / 1e6:,.1f} M",
        "tensor arena": f"at least {_kib(report.peak_activation_bytes)} (activations, built-in kernels)",
        "XNNPACK": f"{partitions}, {xnnpack.delegated} of {len(report.graph_order)} operators{outside}",
    }


def _recipes(report: ModelReport) -> Iterator[tuple[str, Mapping[str, str]]]:
    embedded = report.metadata.recipe if report.metadata else {}
    if embedded:
        yield "Recipe", _flat(embedded)
    # The file beside the model repeats most of the embedded recipe; only the difference is shown.
    more = {key: value for key, value in (report.sidecar_recipe or {}).items() if embedded.get(key) != value}
    if more:
        yield "Recipe beside the file", _flat(more)


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Flatten a nested recipe to dotted names: {"a": {"b": 1}} → {"a.b": "1"}."""
    flat: dict[str, str] = {}
    for key, item in value.items():
        if key == "verification" and isinstance(item, list):
            flat |= {f"{key}.{check.get('name')}": str(check.get("found")) for check in item if isinstance(check, dict)}
        elif isinstance(item, dict) and item:
            flat |= _flat(item, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    return flat


def _facts(facts: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(_plain(name), _plain(value))
    return table


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in counts.items())


def _kib(size: int) -> str:
    return f"{size / 1024:,.1f} KiB"


def _plain(text: str, style: str = "") -> Text:
    """Return text of an untrusted file without markup and without control characters for the terminal."""
    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text), style)
