"""Errors and JSON output of the commands that measure."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mmnet.errors import MMNetError
from mmnet.text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from mmnet.evaluation.datasets.pairs import DatasetError

STDOUT = Path("-")  # `--json -`


def command_line() -> str:
    """Return the command line of this process as it can be typed."""
    return shlex.join(["mmnet", *sys.argv[1:]])


def print_problems(console: Console, error: DatasetError) -> None:
    """Print every problem of images that cannot be used, one line each."""
    from rich.markup import escape

    for problem in error.problems:
        console.print(f"[bold red]error:[/] {escape(printable(problem))}")


@contextmanager
def comparison_errors() -> Iterator[None]:
    """Turn every error of a comparison into exit code 2, with one line for each image that cannot be used."""
    from mmnet.cli.console import message_console
    from mmnet.evaluation.datasets.pairs import DatasetError
    from mmnet.evaluation.parity.compare import NotComparedError

    try:
        yield
    except DatasetError as error:
        print_problems(message_console(), error)
        raise typer.Exit(NotComparedError.exit_code) from error
    except MMNetError as error:
        raise NotComparedError(str(error)) from error
