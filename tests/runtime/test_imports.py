"""What runs on a small device loads no TensorFlow, and no PyAV before it meets a video."""

from __future__ import annotations

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
