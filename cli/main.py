"""The commands `mmnet …` and `export-tflite`. Each package brings its own commands; this module only joins them."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

import mmnet
from mmnet.cli.batch import batch
from mmnet.cli.checkpoints import average_checkpoints, import_checkpoint
from mmnet.cli.curves import curves
from mmnet.cli.data import data_app
from mmnet.cli.export import export
from mmnet.cli.inspect import inspect
from mmnet.cli.matte.command import matte
from mmnet.cli.measure.arm_parity import arm_parity
from mmnet.cli.measure.benchmark import benchmark_app
from mmnet.cli.measure.evaluate import evaluate_command
from mmnet.cli.measure.parity import parity_command
from mmnet.cli.quantize import quantize
from mmnet.cli.quiet import silence_native_libraries
from mmnet.cli.sensitivity import sensitivity_command
from mmnet.cli.train import train
from mmnet.cli.web import web
from mmnet.errors import MMNetError

_SETTINGS: dict[str, Any] = {"add_completion": False, "pretty_exceptions_enable": False, "rich_markup_mode": "rich"}

app = typer.Typer(
    name="mmnet",
    no_args_is_help=True,
    help="MMNet portrait matting for phones: export a checkpoint to a verified .tflite, and matte photos with it.",
    **_SETTINGS,
)
app.command("export")(export)
app.command("evaluate")(evaluate_command)
app.command("parity")(parity_command)
app.command("sensitivity")(sensitivity_command)
app.command("arm-parity")(arm_parity)
app.command("import")(import_checkpoint)
app.command("average")(average_checkpoints)
app.command("matte")(matte)
app.command("batch")(batch)
app.command("inspect")(inspect)
app.command("train")(train)
app.command("curves")(curves)
app.command("quantize")(quantize)
app.command("web")(web)
app.add_typer(data_app, name="data")
app.add_typer(benchmark_app, name="benchmark")

_export_app = typer.Typer(**_SETTINGS)
_export_app.command("export-tflite")(export)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mmnet {mmnet.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def _run(command: typer.Typer) -> None:
    """Run a command; turn what the user can fix into one line on stderr and an exit code, never a traceback."""
    silence_native_libraries()
    try:
        command()
    except MMNetError as error:
        Console(stderr=True, soft_wrap=True).print(f"[bold red]error:[/] {_escape(str(error))}", highlight=False)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(141)


def _escape(text: str) -> str:
    return escape(" ".join(text.split()))


def main() -> None:
    """Entry point of `mmnet`."""
    _run(app)


def export_tflite() -> None:
    """Entry point of `export-tflite`, the same as `mmnet export`."""
    _run(_export_app)
