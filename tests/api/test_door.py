"""`import mmnet` is light, and every public name loads when it is first used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mmnet

HEAVY = {"cv2", "tensorflow", "keras", "tf_keras", "jax", "ray", "av", "rich", "typer", "ai_edge_litert"}


def test_importing_loads_nothing_heavy() -> None:
    script = "import sys, mmnet; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("name", mmnet.__all__)
def test_a_public_name_loads_and_has_a_docstring(name: str) -> None:
    assert getattr(mmnet, name).__doc__
    assert name in dir(mmnet)


def test_public_names_load_without_tensorflow() -> None:
    script = "import sys, mmnet; [getattr(mmnet, name) for name in mmnet.__all__]; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_type_checkers_see_the_names_that_load() -> None:
    """The imports under TYPE_CHECKING are those of the table, from the same modules."""
    tree = ast.parse(Path(str(mmnet.__file__)).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == mmnet._HOMES
    assert sorted(seen) == sorted(mmnet.__all__)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'matte_everything'"):
        _ = mmnet.matte_everything  # type: ignore[attr-defined]


def test_a_background_that_is_neither_image_nor_colour_is_refused() -> None:
    image, alpha = np.zeros((4, 4, 3), np.uint8), np.ones((4, 4), np.float32)
    for background in (None, (300, 0, 0)):
        with pytest.raises(mmnet.MMNetError, match="give uint8"):
            mmnet.composite(image, alpha, background)  # type: ignore[arg-type]
    with pytest.raises(mmnet.MMNetError, match="background 'limey': no such image, and no colour"):
        mmnet.composite(image, alpha, "limey")


def test_one_data_set_may_be_given_by_itself(tmp_path: Path) -> None:
    with pytest.raises(mmnet.MMNetError, match=re.escape(f"{tmp_path / 'nothing'}: no such folder")):
        mmnet.train(data=str(tmp_path / "nothing"), start="latest", steps=1, checkpoint_dir=tmp_path)
