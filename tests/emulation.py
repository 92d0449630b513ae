"""The emulated Arm Python of `mmnet arm-parity`, for tests. It is downloaded once, into .cache/."""

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
    """Return the environment. Where it cannot be had, skip the test; `untested` says what was not tested."""
    try:
        return arm_python(CACHE_HOME / "mmnet" / "arm")
    except (FetchError, UnsupportedHostError) as error:
        pytest.skip(f"{untested}: {error}")


def on_arm(arm: ArmPython, script: Path, *arguments: object, modules: Sequence[Path] = ()) -> str:
    """Return a command line for sh that runs a Python script on an emulated Arm processor.

    Args:
        arm: the environment; see `arm_python_or_skip`.
        script: the file of the script.
        arguments: the first arguments of the script; more can be appended to the line.
        modules: folders to import from, besides those of NumPy, OpenCV and LiteRT.
    """
    variables = [f"{name}={value}" for name, value in arm.variables(*modules).items()]
    return shlex.join(["env", "-i", *variables, *arm.command(PROCESSOR, "-B", str(script), *map(str, arguments))])
