"""The checkpoints of a run by step, also where a process was killed while it wrote or removed one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mmnet.network.checkpoint import (
    WEIGHTS_FILE,
    CheckpointCorruptError,
    is_checkpoint,
    read_document,
)


@dataclass(frozen=True)
class Steps:
    """The checkpoints in the folder of a run.

    Attributes:
        folders: of the checkpoints whose description can be read, by step.
        steps: their steps, in the same order.
        unreadable: folder -> one line that says why it cannot be used.
    """

    folders: tuple[Path, ...]
    steps: tuple[int, ...]
    unreadable: dict[Path, str]

    def newest(self) -> Path | None:
        """Return the folder of the highest step; None if the run has no checkpoint.

        Raises:
            CheckpointCorruptError: none can be read, or one that cannot is newer than all others, by its name.
        """
        for folder, reason in self.unreadable.items():
            if not self.folders:
                raise CheckpointCorruptError(reason)
            if _step_in_name(folder) > self.steps[-1]:
                raise CheckpointCorruptError(f"{reason}; remove {folder} to go on from step {self.steps[-1]}")
        return self.folders[-1] if self.folders else None

    @property
    def passed_over(self) -> str:
        """The reasons why checkpoints cannot be used, to follow another sentence; empty if there are none."""
        return "".join(f"; passed over: {reason}" for reason in self.unreadable.values())


def read_steps(run: Path) -> Steps:
    """Read the descriptions of all checkpoints in a folder.

    Hidden folders are left out: they are what a killed process was writing or removing.

    Args:
        run: the folder of a run; it may be absent.
    """
    found: list[tuple[int, Path]] = []
    unreadable: dict[Path, str] = {}
    for folder in sorted(run.iterdir()) if run.is_dir() else ():
        if folder.name.startswith(".") or not is_checkpoint(folder):
            continue
        try:
            step = read_document(folder)["step"]
        except CheckpointCorruptError as error:
            unreadable[folder] = str(error)
            continue
        if (folder / WEIGHTS_FILE).is_file():
            found.append((step, folder))
        else:
            unreadable[folder] = f"{folder / WEIGHTS_FILE}: no such file"
    found.sort()
    return Steps(tuple(folder for _, folder in found), tuple(step for step, _ in found), unreadable)


def _step_in_name(folder: Path) -> int:
    digits = re.search(r"(\d{1,18})$", folder.name)
    return int(digits[1]) if digits else -1
