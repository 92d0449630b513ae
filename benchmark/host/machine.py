"""The description of this host: processor, clocks, load, versions. A latency means nothing without it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmnet.evaluation.machine import cpuinfo, processor, tool_versions, usable_cores
from mmnet.runtime.fullres import is_compiled

# Processor features by which XNNPACK chooses its kernels, named as in /proc/cpuinfo.
KERNEL_FEATURES = (
    "sse4_1", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx_vnni",
    "avx_vnni_int8", "avx512_fp16", "amx_int8",
    "neon", "asimd", "asimdhp", "asimddp", "i8mm", "sve", "sve2", "sme",
)  # fmt: skip
_QUIET_LOAD = 0.25  # load average per core; above it, other programs run too


def describe_host() -> dict[str, Any]:
    """Return this machine as plain JSON values. Call it before measuring: it records the load.

    `governor` is None where the system does not report it (virtual machines). `load_average` holds the mean number of
    runnable processes over 1, 5 and 15 minutes; it is None on Windows, which does not count them. `compiled` is
    `mmnet.runtime.fullres.is_compiled()`.
    """
    return {
        "kind": "host",
        "name": platform.node(),
        "processor": processor(),
        "architecture": platform.machine(),
        "features": _features(),
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "governor": _governor(),
        "load_average": [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "compiled": is_compiled(),
        "versions": tool_versions(),
    }


def host_warnings(host: Mapping[str, Any]) -> Iterator[str]:
    """Yield what makes latencies measured on this machine doubtful, one sentence each."""
    load, cores = (host["load_average"] or [0.0])[0], host["cores"] or 1
    if load > _QUIET_LOAD * cores:
        yield (
            f"the machine is loaded (load average {load:.2f} on {cores} cores): only ratios can be trusted; "
            "repeat on a quiet machine before quoting milliseconds"
        )
    if not host["compiled"]:
        yield "mmnet was installed without a C compiler: upsampling and compositing take two to three times as long"
    if host["governor"] not in (None, "performance"):
        yield f"the clock is governed by '{host['governor']}', not 'performance': times depend on what ran before"


def _features() -> list[str]:
    words = {word for key in ("flags", "Features") for word in cpuinfo(key).split()}
    return [feature for feature in KERNEL_FEATURES if feature in words]


def _governor() -> str | None:
    try:
        return Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").read_text(encoding="utf-8").strip()
    except OSError:
        return None
