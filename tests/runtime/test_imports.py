"""What runs on a small device loads no TensorFlow, and no PyAV before it meets a video."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = "{'tensorflow', 'keras', 'tf_keras', 'tensorflow_model_optimization', 'jax', 'torch', 'av'}"


@pytest.mark.parametrize(
    "program",
    ["import mmnet.runtime", "import mmnet.cli.main", "import mmnet.cli.matte.command"],
)
def test_importing(program: str) -> None:
    script = f"import sys\n{program}\nprint(sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("arguments", [["--help"], ["export", "--help"], ["matte", "--help"]])
def test_help_needs_neither_numpy_nor_pydantic(arguments: list[str]) -> None:
    """Typer converts arguments with pydantic, which takes longer to load than a help page to print."""
    script = f"""
import sys
sys.argv = ['mmnet', *{arguments!r}]
from mmnet.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(sorted({{'numpy', 'cv2', 'pydantic', 'ai_edge_litert'}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


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
    script = f"""
import sys
sys.argv = ['mmnet', 'matte', {str(photo)!r}, '--model', {str(tiny_model)!r}]
from mmnet.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(sorted({HEAVY} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert photo.with_name("photo-alpha.png").exists()
