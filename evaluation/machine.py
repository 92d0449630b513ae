"""The description of this machine and of the versions that measure."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

TOOLS = ("mmnet", "ai-edge-litert", "numpy", "opencv-python-headless")


def processor() -> str:
    """Return the name of the processor; where the system does not give it, the architecture."""
    return cpuinfo("model name") or platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return the number of cores that this process may use; where the system does not tell it, of all cores."""
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def tool_versions() -> dict[str, str]:
    """Return the versions of the packages that figures depend on."""
    return {tool: version(tool) for tool in TOOLS}


def cpuinfo(key: str) -> str:
    """Return the first value of a key in /proc/cpuinfo; an empty text if there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in pairs if name.strip() == key), "")
