"""The commands `mmnet …` and `export-tflite`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape

import mmnet
from mmnet.cli.console import message_console
from mmnet.cli.lazy import Application, Place, lazy_group
from mmnet.cli.quiet import silence_native_libraries
from mmnet.errors import MMNetError

# Every command, in the order of `mmnet --help`: the function (or Typer application) that it is, and its one-line help.
COMMANDS = {
    "export": Place("mmnet.cli.export:export", "Turn a checkpoint into a fast, verified .tflite."),
    "evaluate": Place(
        "mmnet.cli.measure.evaluate:evaluate_command",
        "Measure models on photos whose alpha mattes are known: mean ± standard deviation and 95 % interval.",
    ),
    "parity": Place(
        "mmnet.cli.measure.parity:parity_command",
        "Compare a quantized model with its float model on the same images, and judge whether it is close enough.",
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
        "mmnet.cli.inspect:inspect",
        "Show the inputs, outputs and cost of a .tflite, how XNNPACK splits it, and how it was made.",
    ),
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
    "data": Place(
        "mmnet.cli.training.data:data_app",
        "Training data: check them, compute soft mattes, pack them, preview their augmentation, render sequences.",
    ),
    "benchmark": Place(
        "mmnet.cli.measure.benchmark:benchmark_app", "Measure latency and memory of models, here or on a phone."
    ),
}

app = Application(
    name="mmnet",
    cls=lazy_group(COMMANDS),
    no_args_is_help=True,
    help="MMNet portrait matting for phones: export a checkpoint to a verified .tflite, and matte photos with it.",
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

    command = Application()
    command.command("export-tflite")(export)
    _run(command)
