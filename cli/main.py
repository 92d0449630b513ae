"""The commands `mmnet …` and `export-tflite`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape

import mmnet
from mmnet.cli.console import message_console
from mmnet.cli.lazy import SETTINGS, lazy_group
from mmnet.cli.quiet import silence_native_libraries
from mmnet.errors import MMNetError

# Every command, in the order of `mmnet --help`: its name → the module and the function (or Typer application) in it.
COMMANDS = {
    "export": "mmnet.cli.export:export",
    "evaluate": "mmnet.cli.measure.evaluate:evaluate_command",
    "parity": "mmnet.cli.measure.parity:parity_command",
    "sensitivity": "mmnet.cli.measure.sensitivity:sensitivity_command",
    "arm-parity": "mmnet.cli.measure.arm_parity:arm_parity",
    "import": "mmnet.cli.checkpoints:import_checkpoint",
    "average": "mmnet.cli.checkpoints:average_checkpoints",
    "matte": "mmnet.cli.matte.command:matte",
    "batch": "mmnet.cli.batch:batch",
    "inspect": "mmnet.cli.inspect:inspect",
    "train": "mmnet.cli.training.train:train",
    "curves": "mmnet.cli.training.curves:curves",
    "quantize": "mmnet.cli.training.quantize:quantize",
    "web": "mmnet.cli.web:web",
    "data": "mmnet.cli.training.data:data_app",
    "benchmark": "mmnet.cli.measure.benchmark:benchmark_app",
}

app = typer.Typer(
    name="mmnet",
    cls=lazy_group(COMMANDS),
    no_args_is_help=True,
    help="MMNet portrait matting for phones: export a checkpoint to a verified .tflite, and matte photos with it.",
    **SETTINGS,
)


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
    """Run a command.

    An error that the user can fix becomes one line on standard error and an exit code, never a traceback.
    """
    silence_native_libraries()
    try:
        command()
    except MMNetError as error:
        message_console().print(f"[bold red]error:[/] {escape(' '.join(str(error).split()))}")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(141)  # 128 + SIGPIPE, as a shell reports it


def main() -> None:
    """Run `mmnet`."""
    _run(app)


def export_tflite() -> None:
    """Run `export-tflite`, which is the same as `mmnet export`."""
    from mmnet.cli.export import export

    command = typer.Typer(**SETTINGS)
    command.command("export-tflite")(export)
    _run(command)
