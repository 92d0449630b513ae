"""The table of commands: every entry loads, and a command imports nothing of the others."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from mmnet.cli.main import COMMANDS, app


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"])
    assert (shown.exit_code, shown.exception) == (0, None)
    assert f"mmnet {name}" in shown.stdout


def test_help_lists_every_command_in_the_order_of_the_table() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout
    lines = [line.strip("│ ").split(" ")[0] for line in shown.partition("Commands")[2].splitlines()]
    assert [line for line in lines if line in COMMANDS] == list(COMMANDS)


def test_an_unknown_command_is_an_error_that_names_a_similar_one() -> None:
    shown = CliRunner().invoke(app, ["mat"])
    assert shown.exit_code == 2
    assert "'matte'" in shown.stderr


def test_the_table_itself_imports_no_command() -> None:
    script = "import sys, mmnet.cli.main; print([name for name in sys.modules if name in ('numpy', 'cv2', 'keras')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
