"""Messages of the library on the command line: options in the place of arguments."""

from __future__ import annotations

import pytest
from typer.main import get_command

from mmnet.cli.main import app
from mmnet.cli.process.wording import _OPTIONS, as_options


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.png: exists already; give force=True to replace it", "a.png: exists already; give --force to replace it"),
        ("name one with image_column=NAME", "name one with --image-column NAME"),
        ("add data=DIR, or steps=0", "add --data DIR, or --steps 0"),
        ("train with data=FILE.npz.", "train with --data FILE.npz."),
        ("(max_errors=5)", "(--max-errors 5)"),
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
        found = {name for parameter in getattr(command, "params", []) for name in parameter.opts}
        return found.union(*(options(child) for child in getattr(command, "commands", {}).values()))

    assert set(_OPTIONS.values()) <= options(get_command(app))
