"""Errors and JSON output of the commands that measure."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

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
