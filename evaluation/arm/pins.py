"""The packages of the Arm Python and of the emulator, each pinned to one file in `pins.csv`.

The user's own pip and apt find the files; the hashes ensure that they are the right ones.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

WHEEL, DEBIAN = "wheel", "debian"
EMULATOR = "qemu-user"
SUITES = ("bookworm", "bookworm-backports")  # their Python has the version that the wheels are for


@dataclass(frozen=True)
class Pin:
    """One package file.

    Attributes:
        kind: WHEEL (from pip) or DEBIAN (from apt).
        name, version: its name and version in its registry.
        architecture: Debian's name of the architecture.
        suite: the suite of Debian that has it; empty for a wheel.
        size: the size of the file in bytes.
        sha256: the SHA-256 of the file, in hexadecimal.
        only: the one member that is unpacked; empty for all of them.
    """

    kind: str
    name: str
    version: str
    architecture: str
    suite: str
    size: int
    sha256: str
    only: str

    @property
    def file_name(self) -> str:
        """The name of the file in the cache, without the version: colons in it are not allowed by every file system."""
        return f"{self.name}-{self.sha256[:16]}.{'whl' if self.kind == WHEEL else 'deb'}"

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.architecture})"


@cache
def all_pins() -> tuple[Pin, ...]:
    """Return every row of the table."""
    text = (resources.files(__package__) / "pins.csv").read_text(encoding="utf-8")
    return tuple(Pin(**row | {"size": int(row["size"])}) for row in csv.DictReader(text.splitlines()))  # type: ignore[arg-type]


def emulator_pins() -> tuple[Pin, ...]:
    """Return the packages of the emulator."""
    return tuple(pin for pin in all_pins() if pin.name == EMULATOR)


def python_pins() -> tuple[Pin, ...]:
    """Return the packages of the Arm Python."""
    return tuple(pin for pin in all_pins() if pin.name != EMULATOR)
