"""The Arm processors that are worth emulating, and what each one's kernels have that another's have not."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmnet.evaluation.arm.errors import ArmError


@dataclass(frozen=True)
class Processor:
    """One processor that the emulator knows.

    Attributes:
        name: QEMU's.
        found_in: where one has it in hand; empty where this project does not say.
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
DEFAULT = ("cortex-a53", "cortex-a55", "cortex-a76", "cortex-a710")

# XNNPACK (src/configs/gemm-config.c) takes the first of these that the processor reports, and among the kernels of its
# kind those tuned for the core.
_KERNELS = {
    "i8mm": "int8 matrix product (SMMLA)",
    "asimddp": "int8 dot product (SDOT)",
    "asimd": "int8 multiply-add (SMLAL)",
}


def kernels(features: Sequence[str]) -> str:
    """Which of XNNPACK's int8 convolutions a processor with these features (as /proc/cpuinfo names them) runs."""
    return next((what for feature, what in _KERNELS.items() if feature in features), "unknown")


def choose_processors(names: Sequence[str], emulator: Path) -> list[Processor]:
    """The processors of these names, each once.

    Raises:
        ArmError: the emulator does not have one of them, or is not an emulator.
    """
    known = _known_to(emulator)
    for name in names:
        if name not in known:
            raise ArmError(f"--cpu {name}: the emulator does not know it; choose from {', '.join(known)}")
    if not names:
        raise ArmError(f"--cpu names no processor; choose from {', '.join(known)}")
    return [PROCESSORS.get(name, Processor(name, "")) for name in dict.fromkeys(names)]


def check_emulator(emulator: Path) -> str:
    """Its version.

    Raises:
        ArmError: it is missing, no qemu-aarch64, or too old.
    """
    printed = _ask(emulator, "--version")
    found = re.search(r"qemu-aarch64 version (\d+)([.\d]*)", printed)
    if found is None:
        raise ArmError(f"{emulator}: is not qemu-aarch64; name one with --qemu, or leave it out to have one fetched")
    if int(found[1]) < _OLDEST:
        raise ArmError(
            f"{emulator}: is QEMU {found[1]}{found[2]}, which crashes in XNNPACK's kernels; use {_OLDEST} or newer, "
            "or leave --qemu out to have it fetched"
        )
    return found[1] + found[2]


_OLDEST = 10


def _known_to(emulator: Path) -> list[str]:
    return [line.strip() for line in _ask(emulator, "-cpu", "help").splitlines() if line.startswith(" ")]


def _ask(emulator: Path, *arguments: str) -> str:
    try:
        done = subprocess.run([emulator, *arguments], capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise ArmError(f"{emulator}: cannot be run: {error.strerror}") from error
    return done.stdout
