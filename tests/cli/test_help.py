"""Help pages: nothing is cut on a narrow terminal, and the same option has the same short name everywhere."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from mmnet.benchmark.android.benchmark_model import DELEGATES
from mmnet.benchmark.host.rounds import MAX_THREADS
from mmnet.benchmark.host.stages import STAGES, TOTAL
from mmnet.cli.help import parameter_names
from mmnet.cli.main import app
from mmnet.evaluation.figures import WORST_BY
from mmnet.evaluation.release.suite import SUITES
from mmnet.evaluation.resize import RESIZES
from mmnet.training.backend import BACKENDS
from mmnet.training.data.mattes import METHODS

WIDTHS = (60, 80, 120)
SHORT = {
    "--background": "-b",
    "--data": "-d",
    "--force": "-f",
    "--model": "-m",
    "--output": "-o",
    "--recursive": "-r",
}


def leaves(path: tuple[str, ...] = (), command: Any = None) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that is no group, with the words that call it."""
    command = command or get_command(app)
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, child in command.commands.items():
        yield from leaves((*path, name), child)


LEAVES = dict(leaves())


def words(text: str) -> str:
    """Text without what a page adds between the pieces of a folded word: borders, spaces and ends of lines."""
    return re.sub(r"[\s│╭╮╰╯─]", "", text)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_no_help_is_cut(path: tuple[str, ...], width: int) -> None:
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": str(width)}).stdout
    assert max(map(len, shown.splitlines())) <= width
    page = words(shown)
    # Typer brackets what may be left out, and adds the dots of what may be repeated.
    assert not re.search(r"\[\[|\.\.\.[\]}]?\.\.\.", page)
    command = LEAVES[path]
    for parameter in command.params:
        assert any(parameter_names(parameter) in line for line in shown.splitlines())
        assert words(re.sub(r"\[/?[a-z]*\]", "", parameter.help or "")) in page
    assert words(re.sub(r"\[/?[a-z]*\]|\x08", "", command.help)) in page


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_short_options_are_the_same_everywhere(path: tuple[str, ...]) -> None:
    for parameter in LEAVES[path].params:
        if parameter.param_type_name != "option":
            continue
        for name in parameter.opts:
            short = [other for other in parameter.opts if not other.startswith("--")]
            if name.startswith("--"):
                assert short == [SHORT[name]] if name in SHORT else not short, f"{' '.join(path)} {name}"


@pytest.mark.parametrize(
    ("path", "option", "choices"),
    [
        (("evaluate",), "--resize", RESIZES),
        (("evaluate",), "--suite", SUITES),
        (("train",), "--backend", BACKENDS),
        (("benchmark", "measure"), "--delegate", DELEGATES),
        (("benchmark", "plot"), "--stage", (*STAGES, TOTAL)),
        (("data", "mattes"), "--method", METHODS),
    ],
)
def test_help_lists_the_choices_of_the_library(path: tuple[str, ...], option: str, choices: Iterable[str]) -> None:
    """Help pages repeat them, since the modules that hold them take longer to load than a page to print."""
    (parameter,) = (parameter for parameter in LEAVES[path].params if option in parameter.opts)
    assert parameter.metavar == "|".join(choices)


def test_help_repeats_other_figures_of_the_library() -> None:
    pages = {path: " ".join(parameter.help or "" for parameter in command.params) for path, command in LEAVES.items()}
    assert f"highest {WORST_BY} of" in pages["evaluate",]
    (threads,) = (parameter for parameter in LEAVES["profile",].params if "--threads" in parameter.opts)
    with pytest.raises(Exception, match="64"):
        threads.process_value(LEAVES["profile",].make_context("profile", []), str(MAX_THREADS + 1))


def test_paragraphs_are_wrapped_at_the_width_of_the_terminal_alone() -> None:
    shown = CliRunner().invoke(app, ["evaluate", "--help"], env={"COLUMNS": "80"}).stdout
    description = shown.partition("Usage")[2].partition("Examples:")[0]
    for paragraph in re.split(r"\n\s*\n", description.strip())[1:]:
        lines = [line.strip() for line in paragraph.strip().splitlines()]
        for line, following in itertools.pairwise(lines):
            assert len(line) + 1 + len(following.split()[0]) > 78, line
    assert "\n   mmnet evaluate --ckpt latest --data portraits --split test" in shown
