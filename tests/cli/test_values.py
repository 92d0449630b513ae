"""Values of options: plain ones are converted as typer converts them, and all others by typer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from mmnet.cli.lazy import Application
from mmnet.runtime.imaging.fit import Fit

ARGUMENTS = [
    [],
    ["a.jpg", "b.jpg", "--text", "", "--path", "x/y", "--count", "3", "--ratio", "0.5", "--flag"],
    ["-", "--count", "-1"],
    ["--count", "1.0"],
    ["--count", "1_000"],
    ["--count", "9" * 30],
    ["--count", "12"],
    ["--count", "x"],
    ["--count", ""],
    ["--ratio", "inf"],
    ["--ratio", "1e-3"],
    ["--ratio", "-1"],
    ["--ratio", "2", "--no-flag"],
    ["--text", "caf\udce9"],
    ["--path", ""],
    ["--many", "1", "--many", "2"],
    ["--many", "x"],
]


def printed(
    sources: Annotated[list[Path] | None, typer.Argument()] = None,
    text: str = Fit.AUTO,
    path: Path | None = None,
    count: Annotated[int | None, typer.Option(max=10)] = None,
    ratio: Annotated[float, typer.Option(min=0)] = 1.5,
    flag: bool | None = None,
    many: Annotated[list[int] | None, typer.Option()] = None,
) -> None:
    print(ascii([(value, type(value)) for value in (sources, text, path, count, ratio, flag, many)]))


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=" ".join)
def test_plain_values_are_converted_as_typer_converts_them(arguments: list[str]) -> None:
    def outcome(application: typer.Typer) -> tuple[int, str, str]:
        application.command()(printed)
        done: Any = CliRunner().invoke(application, arguments)
        return done.exit_code, done.stdout, done.stderr

    assert outcome(Application()) == outcome(typer.Typer(add_completion=False, pretty_exceptions_enable=False))


def test_an_unreadable_file_is_refused_as_typer_refuses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    application = Application()
    application.command()(printed)
    done = CliRunner().invoke(application, ["--path", str(tmp_path)])
    assert done.exit_code == 2
    words = done.stderr.replace("│", " ").split()  # the box breaks its line where the path is long
    assert "is not readable" in " ".join(words)


def test_no_plain_value_needs_pydantic(tmp_path: Path) -> None:
    script = "import sys, test_values as t; from mmnet.cli.lazy import Application; app = Application()\n"
    script += "app.command()(t.printed)\ntry: app(t.ARGUMENTS[1])\nfinally: print('pydantic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    assert done.stdout.splitlines()[-1] == "False"
