"""The command `mmnet models`: the models that ship, with their figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mmnet.cli.process.streams import echo_json
from mmnet.text import json_text

if TYPE_CHECKING:
    from rich.console import Group

    from mmnet.api.shipped import ShippedModel


def models(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the models as one JSON document on standard output.")
    ] = False,
) -> None:
    """List the models that ship, with their size and figures.

    A name can stand wherever a command takes a .tflite: `mmnet matte photo.jpg --model NAME`. The figures are those
    that `mmnet evaluate --suite release` found: means over the images, against their mattes, at 800×600.

    \b
    Examples:
      mmnet models
      mmnet models --json | jq -r .models[0].path
    """
    from mmnet.api.shipped import list_models
    from mmnet.cli.console import wide_console

    found = list_models()
    if as_json:
        echo_json(json_text({"format": "mmnet-models/1", "models": [one.document() for one in found]}, indent=2))
        return
    console = wide_console(stderr=False)
    for one in found:
        console.print(_page(one, console.width))


def _page(model: ShippedModel, width: int) -> Group:
    from rich.console import Group
    from rich.text import Text

    from mmnet.cli.tables import rows_table

    note = ", the default" if model.is_default else ""
    facts = f"{model.precision}, {model.size}×{model.size} pixels, {model.bytes / 1024:,.0f} KiB{note}"
    rows = [
        (one.title, str(one.images), _figure(one.values.get("MAD")), _figure(one.values.get("GAUSS_GRAD")))
        for one in model.figures
    ]
    parts = [Text(model.name, "bold"), Text(facts), Text(str(model.path), overflow="fold")]
    if not rows:
        return Group(*parts, Text("no figures: this file was not measured"))
    return Group(*parts, rows_table(("images", "count", "MAD", "GAUSS_GRAD"), rows, width))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.5f}"
