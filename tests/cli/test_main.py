"""The table of commands: every entry loads, and a command imports nothing of the others."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import mmnet
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


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_help_and_version_import_no_command(arguments: list[str]) -> None:
    script = f"""
import sys
sys.argv = ['mmnet', *{arguments!r}]
from mmnet.cli.main import COMMANDS, main
try:
    main()
except SystemExit:
    pass
modules = {{place.target.split(":")[0] for place in COMMANDS.values()}} | {{'numpy', 'cv2', 'keras'}}
print(sorted(modules & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_one_line_help_is_that_of_the_command(name: str) -> None:
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    assert " ".join((command.help or "").split("\n\n")[0].split()) == COMMANDS[name].summary


def test_python_runs_the_package_as_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "mmnet", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"mmnet {mmnet.__version__}\n"
    done = subprocess.run([sys.executable, "-m", "mmnet", "inspect", "none.tflite"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: none.tflite: ")
