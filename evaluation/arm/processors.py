"""The Arm processors to emulate, and the int8 kernels that LiteRT runs on each."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmnet.evaluation.arm.errors import ArmError


@dataclass(frozen=True)
class Processor:
    """A processor that the emulator knows.

    Attributes:
        name: its name in QEMU.
        found_in: the devices that have it; empty if unknown.
    """

    name: str
    found_in: str


PROCESSORS = {
    processor.name: processor
    for processor in (
        Processor("cortex-a35", "wearables"),
        Processor("cortex-a53", "older phones, cheap ones"),
        Processor("cortex-a55", "small cores of most phones"),
        Processor("cortex-a57", "older phones, Jetson"),
        Processor("cortex-a72", "Raspberry Pi 4"),
        Processor("cortex-a76", "large cores of phones, Raspberry Pi 5"),
        Processor("cortex-a710", "large cores of newer phones"),
        Processor("neoverse-n1", "servers"),
        Processor("neoverse-n2", "servers"),
        Processor("neoverse-v1", "servers"),
    )
}
_OLDEST = 10  # the first major version of QEMU that runs XNNPACK's kernels
DEFAULT = ("cortex-a53", "cortex-a55", "cortex-a76", "cortex-a710")

# XNNPACK (src/configs/gemm-config.c) uses the first of these that the processor reports, and among the kernels of that
# kind the ones tuned for the core.
_KERNELS = {
    "i8mm": "int8 matrix product (SMMLA)",
    "asimddp": "int8 dot product (SDOT)",
    "asimd": "int8 multiply-add (SMLAL)",
}


def kernels(features: Sequence[str]) -> str:
    """Return the kind of XNNPACK's int8 kernels on a processor with these features, named as in /proc/cpuinfo."""
    return next((what for feature, what in _KERNELS.items() if feature in features), "unknown")


def choose_processors(names: Sequence[str], emulator: Path) -> list[Processor]:
    """Return the processors of these names, each once.

    Raises:
        ArmError: there is no name, or the emulator does not know one of them.
    """
    known = _known_to(emulator)
    for name in names:
        if name not in known:
            raise ArmError(f"processor {name!r}: the emulator does not know it; choose from {', '.join(known)}")
    if not names:
        raise ArmError(f"no processor is named; choose from {', '.join(known)}")
    return [PROCESSORS.get(name, Processor(name, "")) for name in dict.fromkeys(names)]


def check_emulator(emulator: Path) -> str:
    """Return the version of an emulator.

    Raises:
        ArmError: it is missing, not a qemu-aarch64, or too old.
    """
    version = re.search(r"qemu-aarch64 version (\d+)([.\d]*)", _output_of(emulator, "--version"))
    if version is None:
        raise ArmError(
            f"{emulator}: is not qemu-aarch64; name one with emulator=FILE, or leave emulator=… out to have it fetched"
        )
    if int(version[1]) < _OLDEST:
        raise ArmError(
            f"{emulator}: is QEMU {version[1]}{version[2]}, which crashes in XNNPACK's kernels; use {_OLDEST} or "
            "newer, or leave emulator=… out to have it fetched"
        )
    return version[1] + version[2]


def _known_to(emulator: Path) -> list[str]:
    return [line.strip() for line in _output_of(emulator, "-cpu", "help").splitlines() if line.startswith(" ")]


def _output_of(emulator: Path, *arguments: str) -> str:
    try:
        done = subprocess.run([emulator, *arguments], capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise ArmError(f"{emulator}: cannot be run: {error.strerror}") from error
    return done.stdout
