"""Every command in the documentation exists, with its options; every module and script that it names, too."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from typer.main import get_command

from mmnet.cli.main import app

# Folders of the repository, without environments, caches and what is built.
FOLDERS = [
    entry for entry in ROOT.iterdir() if entry.is_dir() and entry.name[0] != "." and entry.name not in ("build", "src")
]
PAGES = sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in folder.rglob("*.md"))])
ASSIGNED = re.compile(r'^(\w+)="([^"]*)"$')


def blocks(markdown: str) -> Iterator[str]:
    """The code blocks of a page: fenced, or indented by four spaces."""
    for fence in re.finditer(r"^ *```[^\n]*\n(.*?)^ *```", markdown, re.MULTILINE | re.DOTALL):
        yield fence[1]
    without = re.sub(r"^ *```.*?^ *```", "", markdown, flags=re.MULTILINE | re.DOTALL)
    yield "\n".join(line[4:] for line in without.splitlines() if line.startswith("    "))


def commands_in(text: str) -> Iterator[list[str]]:
    """The commands of this project in shell text, as words, with the variables that the text assigns replaced."""
    variables: dict[str, str] = {}
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if assigned := ASSIGNED.match(line):
            variables[assigned[1]] = assigned[2]
        line = re.sub(r"\$(\w+)", lambda match: variables.get(match[1], match[0]), line)
        for part in re.split(r"\s&&\s|\s\|\s", line.strip().removeprefix("$ ")):
            if not re.match(r"(\.venv/bin/)?(mmnet|export-tflite|python3?) ", part + " "):
                continue
            words = shlex.split(part, comments=True)
            words[0] = {"python3": "python"}.get(name := words[0].rpartition("/")[2], name)
            yield words


def complaint(words: list[str]) -> str | None:
    """What is wrong with a command; None if nothing is."""
    program, *arguments = words
    if program == "python":
        return complaint_about_python(arguments)
    if program == "export-tflite":
        arguments = ["export", *arguments]
    try:
        inert(get_command(app)).main(args=[word.replace("…", "x") for word in arguments], standalone_mode=False)
    except Exception as error:
        reason = error.format_message() if hasattr(error, "format_message") else error
        return f"{' '.join(words)}: {type(error).__name__}: {reason}"
    return None


def complaint_about_python(arguments: list[str]) -> str | None:
    """A module or a script that does not exist, or an option that the script does not mention."""
    if arguments[0] == "-m" and arguments[1].startswith("mmnet"):
        return None if importlib.util.find_spec(arguments[1]) else f"there is no module {arguments[1]}"
    if arguments[0].endswith(".py"):
        script = ROOT / arguments[0]
        if not script.is_file():
            return f"there is no script {arguments[0]}"
        text = script.read_text(encoding="utf-8")
        missing = [word for word in arguments if re.match("--[a-z]", word) and not known_option(word, text)]
        return f"{arguments[0]} has no {', '.join(missing)}" if missing else None
    return None


def known_option(word: str, script: str) -> bool:
    """Whether a script names an option: as text, or as a parameter of a typer function."""
    parameter = word[2:].replace("-", "_")
    return word == "--help" or f'"{word}"' in script or re.search(rf"\b{parameter}:", script) is not None


def inert(command: Any) -> Any:
    """The command or group, with commands that check their arguments and do nothing."""
    if not hasattr(command, "commands"):
        command.callback = None
        return command
    command.commands = {name: inert(child) for name, child in command.commands.items()}
    return command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_code_blocks(page: Path) -> None:
    """A code block's command is accepted with its arguments by the command line itself."""
    text = page.read_text(encoding="utf-8")
    complaints = [found for block in blocks(text) for words in commands_in(block) if (found := complaint(words))]
    assert not complaints


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "CHANGELOG.md"],  # it names what no longer exists
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_commands_in_sentences(page: Path) -> None:
    """A command in a sentence exists and has the options named with it; it may lack arguments."""
    everything = get_command(app)
    for code in re.findall(r"(?<!`)`((?:mmnet|export-tflite) [^`]+)`", page.read_text(encoding="utf-8")):
        words = [word for word in code.replace("…", "").split() if word]
        command, rest = everything, ["export", *words[1:]] if words[0] == "export-tflite" else words[1:]
        while hasattr(command, "commands") and rest and rest[0] in command.commands:
            command, rest = command.commands[rest[0]], rest[1:]
        own = {name for one in everything.params for name in one.opts}
        assert command is not everything or rest[0] in {*own, "--help", "COMMAND"}, f"{page.name}: {code}"
        leaves = [command] if not hasattr(command, "commands") else list(command.commands.values())
        known = {name for leaf in leaves for one in leaf.params for name in (*one.opts, *one.secondary_opts)}
        unknown = {word for word in rest if re.match("--?[a-z]", word)} - known - own - {"--help"}
        assert not unknown, f"{page.name}: {code}"


def test_examples_in_the_help() -> None:
    """The examples of every command's help are accepted by the command line; remarks in brackets are left out."""
    group = get_command(app)
    helps = [
        leaf.help or "" for one in group.commands.values() for leaf in getattr(one, "commands", {"": one}).values()
    ]
    commands = [words for text in helps for words in commands_in(re.sub(r"\s+\([^()]*\)\s*$", "", text, flags=re.M))]
    assert len(commands) > 60
    assert not [found for words in commands if (found := complaint(words))]


def test_every_command_is_in_a_guide() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    used = {" ".join(words[1:3]) for block in blocks(text) for words in commands_in(block) if words[0] == "mmnet"}
    used |= {"export" for block in blocks(text) for words in commands_in(block) if words[0] == "export-tflite"}
    for name, command in get_command(app).commands.items():
        names = [f"{name} {child}" for child in command.commands] if name == "data" else [name]
        for one in names:
            assert any(f"{use} ".startswith(f"{one} ") for use in used), f"no page shows mmnet {one}"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("mmnet matte photo.jpg --background blur", False),
        ("$ mmnet matte photo.jpg --backgroud blur", True),
        ("mmnet mate photo.jpg", True),
        ("mmnet data sequences portraits/", True),
        ("mmnet evaluate -m a.tflite", True),
        ("mmnet train --data portraits/ \\\n    --steps many", True),
        (".venv/bin/export-tflite --ckpt latest && mmnet web --opne", True),
        ("python tools/speed/rewrites.py --ckpt 887000 --calibration portraits", False),
        ("python tools/speed/rewrite.py", True),
        ("python -m mmnet.evaluation.sheets", True),
    ],
)
def test_this_check_finds_faults(text: str, wrong: bool) -> None:
    assert any(complaint(words) for words in commands_in(text)) is wrong
