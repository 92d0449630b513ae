"""The exceptions of a comparison with Arm processors."""

from __future__ import annotations

from mmnet.errors import MMNetError


class ArmError(MMNetError):
    """The comparison could not be made. Its exit code, 2, differs from that of a difference, 1."""

    exit_code = 2


class UnsupportedHostError(ArmError):
    """This system cannot run the emulator that the pins name."""


class FetchError(ArmError):
    """A package cannot be fetched, or is not the pinned one."""


class ObserverError(ArmError):
    """An observer stopped, or refused the model."""
