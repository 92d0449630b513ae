"""The errors of measuring latency."""

from __future__ import annotations

from mmnet.errors import MMNetError


class BenchmarkError(MMNetError):
    """Something cannot be measured, or a file of measurements cannot be used."""


class DeviceError(BenchmarkError):
    """The phone cannot be reached, fails, or is too hot to be measured on. The message names the device."""
