"""The commands `mmnet …` and `export-tflite`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

from mmnet.cli.process.interrupts import INTERRUPTED, exit_code_of_signals, handle_signals, silent_interrupts

with silent_interrupts():
    import typer

    import mmnet
    from mmnet.cli.lazy import Application, Place, lazy_group
    from mmnet.cli.process.ending import end_process, end_quickly_later
    from mmnet.cli.process.log import show_log, take_log_options
    from mmnet.cli.process.quiet import silence_native_libraries
    from mmnet.cli.process.streams import echo, finish_output, guard_streams, open_closed_streams
    from mmnet.cli.process.wording import as_options
    from mmnet.errors import MMNetError
    from mmnet.failures import LOG, reason_of
    from mmnet.text import one_line, printable

_DEFECT = 70  # exit code of an exception that no part of the product expects: EX_SOFTWARE of sysexits.h
_NO_OUTPUT = 74  # exit code where standard output cannot be written: EX_IOERR
_BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell reports it

# Every command, in the order of `mmnet --help`: the function (or Typer application) that it is, and its one-line help.
COMMANDS = {
    "export": Place("mmnet.cli.export:export", "Turn a checkpoint into a fast, verified .tflite, .onnx or .mlpackage."),
    "evaluate": Place(
        "mmnet.cli.measure.evaluate:evaluate_command",
        "Measure models on photos whose alpha mattes are known: mean ± standard deviation and 95 % interval.",
    ),
    "parity": Place(
        "mmnet.cli.measure.parity:parity_command",
        "Compare a quantized model with its float model on the same images, and judge whether it is close enough.",
    ),
    "compare": Place(
        "mmnet.cli.measure.compare:compare_command",
        "Compare two models on the same images: paired differences with 95 % intervals, without a verdict.",
    ),
    "sensitivity": Place(
        "mmnet.cli.measure.sensitivity:sensitivity_command",
        "Measure what every layer loses in 8 bits, and propose the fewest layers that have to stay float.",
    ),
    "arm-parity": Place(
        "mmnet.cli.measure.arm_parity:arm_parity",
        "Compare what this machine computes with what Arm processors compute, byte for byte, without a phone.",
    ),
    "import": Place(
        "mmnet.cli.checkpoints:import_checkpoint",
        "Convert a TF-Slim checkpoint into a checkpoint folder (safetensors and JSON).",
    ),
    "average": Place(
        "mmnet.cli.checkpoints:average_checkpoints", "Average the weights of a network before and after fine-tuning."
    ),
    "matte": Place(
        "mmnet.cli.matte.command:matte",
        "Compute the alpha matte of the person in photos and videos, cut the person out, or change the background.",
    ),
    "batch": Place(
        "mmnet.cli.batch:batch", "Matte any number of photos, on every core of this machine or of a Ray cluster."
    ),
    "inspect": Place(
        "mmnet.cli.inspection.command:inspect",
        "Show the inputs, outputs and cost of a .tflite, how XNNPACK splits it, and how it was made.",
    ),
    "models": Place("mmnet.cli.inspection.models:models", "List the models that ship, with their size and figures."),
    "train": Place("mmnet.cli.training.train:train", "Train MMNet, or go on training it."),
    "curves": Place(
        "mmnet.cli.training.curves:curves", "Write the training curves of a run as a table and as an image."
    ),
    "quantize": Place(
        "mmnet.cli.training.quantize:quantize",
        "Measure the ranges of a checkpoint's 8-bit activations, and train it to lose little in 8 bits.",
    ),
    "web": Place(
        "mmnet.cli.web:web", "Matte in the browser: photos and the live camera, with the model running in the page."
    ),
    "serve": Place(
        "mmnet.cli.serve:serve", "Serve mattes over HTTP: a photo in, its alpha matte, a cut-out or a composite out."
    ),
    "data": Place(
        "mmnet.cli.training.data:data_app",
        "Training data: check them, compute soft mattes, pack them, preview their augmentation, make scenes and "
        "sequences.",
    ),
    "benchmark": Place(
        "mmnet.cli.measure.benchmark:benchmark_app", "Measure latency and memory of models, here or on a phone."
    ),
    "profile": Place(
        "mmnet.cli.measure.profile:profile_command",
        "Measure the time of every operator of a .tflite, and how far each one is from what this machine can do.",
    ),
}

app = Application(
    name="mmnet",
    cls=lazy_group(COMMANDS),
    add_completion=True,
    no_args_is_help=True,
    help="MMNet portrait matting for phones: export a checkpoint to a verified .tflite, and matte photos with it.",
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
        bool, typer.Option("--debug", help="Show the traceback of every failure. It may stand behind the command, too.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show each step. It may stand behind the command, too.")
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Show results and errors alone: no notes, no progress. It may stand behind the command, too.",
        ),
    ] = False,
) -> None:
    pass  # the last three were taken before: `take_log_options`


def _run(command: Callable[..., Any]) -> NoReturn:
    """Run a command and end the process with its exit code.

    Every error becomes one line on standard error and an exit code, never a traceback.
    """
    end_quickly_later()
    open_closed_streams()
    silence_native_libraries()
    guard_streams()
    handle_signals()
    show_log(take_log_options(sys.argv))
    start = time.monotonic()
    try:
        code = _exit_code(command)
        LOG.info("the command took %.2f s", time.monotonic() - start)
    except KeyboardInterrupt:
        code = INTERRUPTED
    failure, is_closed_pipe = finish_output()
    if is_closed_pipe:
        code = _BROKEN_PIPE
    elif failure is not None:
        _print_error(f"standard output: cannot be written: {failure.strerror}")
        code = code or _NO_OUTPUT
    if code == INTERRUPTED:  # SIGTERM ends a command in the same way, with a code of its own
        code = exit_code_of_signals() or code
    end_process(code)


def _exit_code(command: Callable[..., Any]) -> int:
    """Run a command, print the error that ends it, and return its exit code."""
    try:
        returned = command(standalone_mode=False)
    except MMNetError as error:
        LOG.debug("the command failed", exc_info=error)
        for line in getattr(error, "problems", None) or [str(error)]:  # one for each file that cannot be used
            _print_error(line)
        return error.exit_code
    except BrokenPipeError:
        return _BROKEN_PIPE
    except SystemExit as ended:  # typer ends the process after a closed pipe
        return ended.code if isinstance(ended.code, int) else 1
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
    from rich.markup import escape

    from mmnet.cli.console import ERROR, message_console

    message_console().print(f"{ERROR} {escape(one_line(text))}")


def _print_usage_error(error: Any) -> int:
    """Print wrong usage as typer does, without what a terminal would execute; return the exit code."""
    from typer.rich_utils import rich_format_error

    error.message = printable(as_options(str(error.message)))
    rich_format_error(error)
    return int(error.exit_code)


def main() -> None:
    """Run `mmnet`."""
    _run(app)


def export_tflite() -> None:
    """Run `export-tflite`, which is the same as `mmnet export`."""
    with silent_interrupts():
        from mmnet.cli.export import export

    command = Application()
    command.command("export-tflite")(export)
    _run(command)
