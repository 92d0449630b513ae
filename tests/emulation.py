"""The Arm Python of `mmnet arm-parity`, for tests: fetched once into .cache/ and kept."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import ROOT

from mmnet.evaluation.arm.environment import ArmPython, arm_python
from mmnet.evaluation.arm.errors import FetchError, UnsupportedHostError

CACHE_HOME = ROOT / ".cache"  # as XDG_CACHE_HOME
PROCESSOR = "cortex-a76"


def arm_python_or_skip(untested: str) -> ArmPython:
    """The environment; where it cannot be had, the test is skipped, and `untested` says what that leaves open."""
    try:
        return arm_python(CACHE_HOME / "mmnet" / "arm")
    except (FetchError, UnsupportedHostError) as error:
        pytest.skip(f"{untested}: {error}")


def on_arm(arm: ArmPython, script: Path, *arguments: object, modules: Sequence[Path] = ()) -> str:
    """A line for sh that runs a Python script on an emulated Arm processor.

    Args:
        arm: see `arm_python_or_skip`.
        script: the file.
        arguments: the first of its arguments; what follows the line are the others.
        modules: folders to import from, besides NumPy, OpenCV and LiteRT.
    """
    variables = [f"{name}={value}" for name, value in arm.variables(*modules).items()]
    return shlex.join(["env", "-i", *variables, *arm.command(PROCESSOR, "-B", str(script), *map(str, arguments))])
