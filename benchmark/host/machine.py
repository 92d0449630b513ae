"""What a latency was measured on: processor, clocks, load, versions. A figure without them says nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mmnet.runtime.fullres import is_compiled

# What decides which kernels XNNPACK takes, by the names of /proc/cpuinfo.
KERNEL_FEATURES = (
    "sse4_1", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx_vnni",
    "avx_vnni_int8", "avx512_fp16", "amx_int8",
    "neon", "asimd", "asimdhp", "asimddp", "i8mm", "sve", "sve2", "sme",
)  # fmt: skip
_QUIET_LOAD = 0.25  # of the cores: above it, something else runs too
_TOOLS = ("mmnet", "ai-edge-litert", "numpy", "opencv-python-headless")


def describe_host() -> dict[str, Any]:
    """This machine as plain JSON values: taken before anything is measured, since it tells the load.

    `governor` is None where the system does not tell (virtual machines), `load_average` has the means over 1, 5
    and 15 minutes of runnable processes, `compiled` is `mmnet.runtime.fullres.is_compiled`.
    """
    return {
        "kind": "host",
        "name": platform.node(),
        "processor": _processor(),
        "architecture": platform.machine(),
        "features": _features(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "governor": _governor(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "compiled": is_compiled(),
        "versions": tool_versions(),
    }


def complaints(host: dict[str, Any]) -> Iterator[str]:
    """What makes this machine's latencies doubtful, a sentence each."""
    load, cores = host["load_average"][0], host["cores"] or 1
    if load > _QUIET_LOAD * cores:
        yield (
            f"the machine is loaded (load average {load:.2f} on {cores} cores): ratios are the most to be trusted; "
            "repeat on a quiet machine before quoting milliseconds"
        )
    if not host["compiled"]:
        yield "mmnet was installed without a C compiler: what follows the network takes two to three times as long"
    if host["governor"] not in (None, "performance"):
        yield f"the clock is governed by '{host['governor']}', not 'performance': times depend on what ran before"


def tool_versions() -> dict[str, str]:
    """Of what measures on this side."""
    return {tool: version(tool) for tool in _TOOLS}


def _features() -> list[str]:
    found = {word for key in ("flags", "Features") for word in _cpuinfo(key).split()}
    return [feature for feature in KERNEL_FEATURES if feature in found]


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(key: str) -> str:
    """The first value of a key in /proc/cpuinfo; empty where there is none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    pairs = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in pairs if name.strip() == key), "")


def _governor() -> str | None:
    try:
        return Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").read_text(encoding="utf-8").strip()
    except OSError:
        return None
