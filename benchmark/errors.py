"""What can go wrong when latency is measured."""

from __future__ import annotations

from mmnet.errors import MMNetError


class BenchmarkError(MMNetError):
    """Something cannot be measured, or a file of results cannot be used."""


class DeviceError(BenchmarkError):
    """The phone cannot be reached, refuses, or is not fit to be measured on. The message names the device."""
