"""The command `mmnet inspect`: what is inside a .tflite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmnet.cli.process.streams import echo_json
from mmnet.text import json_text

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.text import Text

    from mmnet.runtime.tflite.inspection import ModelReport, TensorReport
    from mmnet.runtime.tflite.support_tables import DelegateSupport


def inspect(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="The model to inspect.", show_default=False)],
    recipe: Annotated[
        bool, typer.Option("--recipe", help="Show the whole recipe that is embedded or beside the file, not a summary.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON document on standard output.")
    ] = False,
) -> None:
    """Show the inputs, outputs and cost of a .tflite, how XNNPACK splits it, and how it was made.

    \b
    Examples:
      mmnet inspect mmnet-1.0-256-int8.tflite
      mmnet inspect mmnet-1.0-256-int8.tflite --recipe
      mmnet inspect mmnet-1.0-256-int8.tflite --json | jq .delegation.partitions
    """
    from mmnet.cli.console import wide_console
    from mmnet.runtime.tflite.inspection import inspect_model

    report = inspect_model(model)
    if as_json:
        echo_json(json_text(report.as_dict(), indent=2))
    else:
        console = wide_console(stderr=False)
        console.print(_page(report, console.width, whole=recipe))


def _page(report: ModelReport, width: int, *, whole: bool) -> Group:
    from rich.console import Group
    from rich.text import Text

    sections = [_heading(report), _tensors(report, width), _facts(_figures(report), width)]
    recipes = list(_whole_recipes(report) if whole else _recipe_summary(report))
    sections += [Group(Text(caption, "bold"), _facts(recipe, width)) for caption, recipe in recipes]
    left_out = sum(map(len, dict(_whole_recipes(report)).values())) - sum(len(recipe) for _, recipe in recipes)
    if left_out > 0:
        sections[-1] = Group(sections[-1], Text("--recipe shows the whole recipe", "dim"))
    return Group(*[part for section in sections for part in (section, "")][:-1])


def _heading(report: ModelReport) -> RenderableType:
    from rich.console import Group

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


def _tensors(report: ModelReport, width: int) -> RenderableType:
    from rich.text import Text

    from mmnet.cli.tables import rows_table

    rows = [
        [Text(role), *map(_plain, _tensor(tensor))]
        for role, tensors in (("input", report.inputs), ("output", report.outputs))
        for tensor in tensors
    ]
    return rows_table(("", "name", "shape", "dtype", "scale", "zero point"), rows, width, titles=2, left=4)


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
        **{entry.delegate: _documented(entry) for entry in report.delegates},
    }


def _documented(support: DelegateSupport) -> str:
    """Return in one line what a delegate takes of a model, by its documentation."""
    outside = f"; not: {_counted(Counter(support.outside))}" if support.outside else ""
    total = support.taken + len(support.outside)
    return f"{support.taken} of {total} operators by its documentation{outside}; {support.note}"


def _recipe_summary(report: ModelReport) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the caption and the summary of the recipe; the file beside the model goes before the embedded one."""
    from mmnet.cli.inspection.summary import recipe_summary

    embedded = report.metadata.recipe if report.metadata else {}
    recipe = {**embedded, **(report.sidecar_recipe or {})}
    if recipe:
        yield "Recipe", recipe_summary(recipe)


def _whole_recipes(report: ModelReport) -> Iterator[tuple[str, Mapping[str, str]]]:
    from mmnet.cli.inspection.summary import flat_recipe

    embedded = report.metadata.recipe if report.metadata else {}
    if embedded:
        yield "Recipe", flat_recipe(embedded)
    # The file beside the model repeats most of the embedded recipe; only the difference is shown.
    more = {key: value for key, value in (report.sidecar_recipe or {}).items() if embedded.get(key) != value}
    if more:
        yield "Recipe beside the file", flat_recipe(more)


def _facts(values: Mapping[str, str], width: int) -> RenderableType:
    from mmnet.cli.tables import facts

    return facts({_plain(name).plain: _plain(value) for name, value in values.items()}, width)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in counts.items())


def _kib(size: int) -> str:
    return f"{size / 1024:,.1f} KiB"


def _plain(text: str, style: str = "") -> Text:
    """Return text of an untrusted file without markup and without control characters for the terminal."""
    from rich.text import Text

    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text), style)
