"""The commands `mmnet …` and `export-tflite`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

from mmnet.cli.process.interrupts import INTERRUPTED, exit_code_of_signals, handle_signals, silent_interrupts

with silent_interrupts():
    import typer
    from rich.markup import escape

    import mmnet
    from mmnet.cli.console import message_console
    from mmnet.cli.lazy import SETTINGS, lazy_group
    from mmnet.cli.process.log import OPTION, show_log, take_debug_option
    from mmnet.cli.process.quiet import silence_native_libraries
    from mmnet.cli.process.streams import echo, output_failure, prepare_streams
    from mmnet.errors import MMNetError
    from mmnet.failures import LOG, reason_of
    from mmnet.text import one_line, printable

_DEFECT = 70  # exit code of an exception that no part of the product expects: EX_SOFTWARE of sysexits.h
_NO_OUTPUT = 74  # exit code where standard output cannot be written: EX_IOERR
_BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell reports it

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
        echo(f"mmnet {mmnet.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option(OPTION, help="Show the traceback of every failure. It may stand behind the command, too.")
    ] = False,
) -> None:
    pass  # --debug was taken before: `take_debug_option`


def _run(command: Callable[..., Any]) -> NoReturn:
    """Run a command and end the process with its exit code.

    Every error becomes one line on standard error and an exit code, never a traceback.
    """
    prepare_streams()
    silence_native_libraries()
    handle_signals()
    show_log(take_debug_option(sys.argv))
    try:
        code = _exit_code(command)
        failure = output_failure()
        if failure is not None:
            _print_error(f"standard output: cannot be written: {failure.strerror}")
            code = code or _NO_OUTPUT
    except BrokenPipeError:
        code = _BROKEN_PIPE
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:  # SIGTERM ends a command in the same way, with a code of its own
        code = exit_code_of_signals() or code
    sys.exit(code)


def _exit_code(command: Callable[..., Any]) -> int:
    """Run a command, print the error that ends it, and return its exit code."""
    try:
        returned = command(standalone_mode=False)
    except MMNetError as error:
        LOG.debug("the command failed", exc_info=error)
        _print_error(str(error))
        return error.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:
        if hasattr(error, "format_message"):  # wrong usage: an exception of click, which older versions of typer import
            return _print_usage_error(error)
        LOG.debug("the command failed", exc_info=error)
        if exit_code_of_signals() is not None:  # native code turned the interruption into another exception
            return INTERRUPTED
        _print_error(reason_of(error))
        return _DEFECT
    return returned if isinstance(returned, int) else 0


def _print_error(text: str) -> None:
    message_console().print(f"[bold red]error:[/] {escape(one_line(text))}")


def _print_usage_error(error: Any) -> int:
    """Print wrong usage as typer does, without what a terminal would execute; return the exit code."""
    from typer.rich_utils import rich_format_error

    error.message = printable(str(error.message))
    rich_format_error(error)
    return int(error.exit_code)


def main() -> None:
    """Run `mmnet`."""
    _run(app)


def export_tflite() -> None:
    """Run `export-tflite`, which is the same as `mmnet export`."""
    with silent_interrupts():
        from mmnet.cli.export import export

    command = typer.Typer(**SETTINGS)
    command.command("export-tflite")(export)
    _run(command)
