"""What keeps a comparison with Arm from being made."""

from __future__ import annotations

from mmnet.errors import MMNetError


class ArmError(MMNetError):
    """Nothing could be compared. The exit code tells it from a difference, which is 1."""

    exit_code = 2


class UnsupportedHostError(ArmError):
    """This system cannot run the emulator that the pins name."""


class FetchError(ArmError):
    """A package cannot be had, or is not the one that was pinned."""


class ObserverError(ArmError):
    """One side stopped, or refused the model."""
