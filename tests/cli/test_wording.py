"""Messages of the library on the command line: options in the place of arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from mmnet.cli.console import message_console
from mmnet.cli.main import app
from mmnet.cli.process.wording import _FLAGS, _OPTIONS, as_options

ROOT = Path(__file__).parents[2]
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*\b(=\S*)?")
_COMMAND = re.compile(r"(mmnet|ray|tools/\S+)( [\w/.-]+)+")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.png: exists already; give force=True to replace it", "a.png: exists already; give --force to replace it"),
        ("name one with image_column=NAME", "name one with --image-column NAME"),
        ("add data=DIR, or steps=0", "add --data DIR, or --steps 0"),
        ("train with data=FILE.npz.", "train with --data FILE.npz."),
        ("(max_errors=5)", "(--max-errors 5)"),
        ("take weights='raw'", "take --weights raw"),
        ("or leave affinity=… out", "or leave --affinity out"),
        (
            "(steps=…: 20, and 10 at first; mixed_precision=…: given)",
            "(--steps: 20, and 10 at first; --mixed-precision: given)",
        ),
        ("name it with start=PATH or checkpoint=PATH", "name it with --from PATH or --ckpt PATH"),
        ("give audio=False, or go on with resume=True", "give --no-audio, or go on with --resume latest"),
        ("validation=0.25 holds one back", "--validation 0.25 holds one back"),
        ("photos/data=A.jpg: no such file", "photos/data=A.jpg: no such file"),
        ("data=5.jpg: no such file", "data=5.jpg: no such file"),
        ("data=A.jpg: no such file", "data=A.jpg: no such file"),
        ("my_data=DIR", "my_data=DIR"),
    ],
)
def test_arguments_become_options(text: str, shown: str) -> None:
    assert as_options(text) == shown


def test_every_option_exists() -> None:
    def options(command: object) -> set[str]:
        found = {
            name
            for parameter in getattr(command, "params", [])
            for name in (*parameter.opts, *parameter.secondary_opts)
        }
        return found.union(*(options(child) for child in getattr(command, "commands", {}).values()))

    shown = {*_OPTIONS.values(), *_FLAGS.values()} - {"--audio"}  # which only --no-audio changes
    assert {option.split()[0] for option in shown} <= options(get_command(app))


def test_the_library_names_no_options() -> None:
    """It names its arguments. A whole command, and what is passed to another program word by word, may hold options."""
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in library()
        for line, text in texts(path)
        if _OPTION.search(_COMMAND.sub("", text)) and not _OPTION.fullmatch(text.strip())
    ]
    assert not found, "\n".join(found)


def library() -> list[Path]:
    """The modules that only raise and return; scripts and the terminal's part are apart."""
    apart = ("cli", "tools", "tests", "evaluation/sheet.py", "evaluation/parity/html.py")
    files = [path for layer in ROOT.glob("*/__init__.py") for path in sorted(layer.parent.rglob("*.py"))]
    files += sorted((ROOT / "src" / "mmnet").glob("*.py"))
    return [path for path in files if not path.relative_to(ROOT).as_posix().startswith(apart)]


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The line and the text of every string of a module that is no docstring."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def test_the_console_shows_options(capsys: pytest.CaptureFixture[str]) -> None:
    message_console().print("warning: give [bold]force=True[/] to replace it")
    assert capsys.readouterr().err == "warning: give --force to replace it\n"
