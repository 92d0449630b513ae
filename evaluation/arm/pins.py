"""The packages that make an Arm Python, each pinned to one file: `pins.csv`, read.

Where they are found is up to the user's own pip and apt; that they are the right ones is up to their hashes.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

WHEEL, DEBIAN = "wheel", "debian"
EMULATOR = "qemu-user"
SUITES = ("bookworm", "bookworm-backports")  # the Python has to be of the version the wheels are for


@dataclass(frozen=True)
class Pin:
    """One package file.

    Attributes:
        kind: WHEEL (from pip) or DEBIAN (from apt).
        name, version: as its registry has them.
        architecture: Debian's word for what it runs on.
        suite: Debian's suite that has it; empty for a wheel.
        size: of the file in bytes.
        sha256: of the file, in hexadecimal.
        only: the one member that is taken out of it; empty for all of them.
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
        """What the file is called in the cache: versions hold colons, which not every file system takes."""
        return f"{self.name}-{self.sha256[:16]}.{'whl' if self.kind == WHEEL else 'deb'}"

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.architecture})"


@cache
def all_pins() -> tuple[Pin, ...]:
    """Every row of the table."""
    text = (resources.files(__package__) / "pins.csv").read_text(encoding="utf-8")
    return tuple(Pin(**row | {"size": int(row["size"])}) for row in csv.DictReader(text.splitlines()))  # type: ignore[arg-type]


def emulator_pins() -> tuple[Pin, ...]:
    """What the emulator is taken from."""
    return tuple(pin for pin in all_pins() if pin.name == EMULATOR)


def python_pins() -> tuple[Pin, ...]:
    """What the Arm Python and its packages are unpacked from."""
    return tuple(pin for pin in all_pins() if pin.name != EMULATOR)
