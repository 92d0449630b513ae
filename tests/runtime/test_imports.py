"""What runs on a small device loads no TensorFlow, and no PyAV before it meets a video."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from mmnet.cli.main import COMMANDS

HEAVY = {"tensorflow", "keras", "tf_keras", "tensorflow_model_optimization", "jax", "torch", "av"}
# Every command.
LIGHT = [[], *([name] for name in COMMANDS), ["benchmark", "plot"]]
LIGHT += [["data", name] for name in ("check", "mattes", "pack", "preview", "scenes", "sequences")]


@pytest.mark.parametrize(
    "program",
    ["import mmnet.runtime", "import mmnet.cli.main", "import mmnet.cli.matte.command"],
)
def test_importing(program: str) -> None:
    script = f"import sys\n{program}\nprint(sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Libraries that take longer to load than a help page to print.
NOT_FOR_HELP = {"ai_edge_litert", "cv2", "email", "keras", "numpy", "pydantic", "ray", "safetensors", "tensorflow"}


def loaded(*arguments: object) -> tuple[str, set[str]]:
    """Run `mmnet` with arguments in a process of its own; return what it printed and the modules that it loaded."""
    script = f"""
import sys
sys.argv = ['mmnet', *{list(map(str, arguments))!r}]
from mmnet.cli import main
def end(code):
    print(*sys.modules)
    sys.exit(code)
main.end_process = end
main.main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    text, _, names = done.stdout.rstrip().rpartition("\n")
    return text, set(names.split())


@pytest.mark.parametrize("command", LIGHT, ids=" ".join)
def test_help_loads_no_library_for_numbers(command: list[str]) -> None:
    """Typer converts values with pydantic, which takes longer to load than a help page to print."""
    text, names = loaded(*command, "--help")
    assert "Usage" in text
    assert not names & NOT_FOR_HELP


@pytest.mark.parametrize("package", ["mmnet.runtime", "mmnet.runtime.imaging", "mmnet.runtime.fullres"])
def test_names_that_load_on_first_use(package: str) -> None:
    """The imports under TYPE_CHECKING are the names that load, from the same modules; all of them are public."""
    module = importlib.import_module(package)
    block = next(
        node
        for node in ast.parse(Path(str(module.__file__)).read_text()).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    (call,) = (node for node in ast.walk(block) if isinstance(node, ast.Call))
    homes = ast.literal_eval(call.args[1])
    assert {name: home for home, names in homes.items() for name in names} == seen
    assert sorted(seen) == sorted(module.__all__)
    assert set(seen) <= set(dir(module))
    for name in seen:
        assert getattr(module, name) is getattr(importlib.import_module(str(seen[name])), name)
    with pytest.raises(AttributeError, match="has no attribute 'absent'"):
        _ = module.absent


def test_matting(tiny_model: Path, photo: Path) -> None:
    _, names = loaded("matte", photo, "--model", tiny_model)
    assert photo.with_name("photo-alpha.png").exists()
    assert not names & HEAVY


def test_matting_a_photo_with_the_model_that_ships_loads_nothing_in_vain(photo: Path) -> None:
    """No messages, no values that are not plain, no model to check, no video."""
    _, names = loaded("matte", photo, "--force")
    vain = {"pydantic", "rich", "ai_edge_litert.schema_py_generated", "email", "asyncio", "importlib.metadata"}
    vain |= {f"mmnet.runtime.video.{name}" for name in ("audio", "camera", "reader", "writer")}
    assert not names & (HEAVY | vain)
