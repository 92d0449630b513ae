"""The description of a phone: processor, Android version, and what makes its latencies doubtful."""

from __future__ import annotations

from typing import Any

from mmnet.benchmark.android.device_state import DeviceState
from mmnet.benchmark.android.phone import Phone
from mmnet.benchmark.host.machine import KERNEL_FEATURES
from mmnet.evaluation.machine import tool_versions

_LOW_BATTERY = 20  # percent


def describe_phone(phone: Phone) -> dict[str, Any]:
    """Return the phone as plain JSON values; None where it does not report a value.

    Raises:
        DeviceError: the phone is gone.
    """
    features = phone.run("grep -m 1 -E '^(Features|flags)' /proc/cpuinfo").output.partition(":")[2].split()
    model = " ".join(filter(None, map(phone.property, ("ro.product.manufacturer", "ro.product.model"))))
    processors = map(phone.property, ("ro.soc.model", "ro.board.platform", "ro.hardware"))
    return {
        "kind": "device",
        "name": model or phone.serial,
        "serial": phone.serial,
        "processor": next(filter(None, processors), None),
        "features": [feature for feature in KERNEL_FEATURES if feature in features],
        "cores": _number(phone.run("nproc").output),
        "governor": _output(phone, "cat /sys/devices/system/cpu/cpufreq/policy0/scaling_governor"),
        "abis": phone.property("ro.product.cpu.abilist"),
        "android": phone.property("ro.build.version.release"),
        "build": phone.property("ro.build.fingerprint"),
        "battery_saver": {"0": False, "1": True}.get(_output(phone, "settings get global low_power") or ""),
        "versions": tool_versions(),
    }


def phone_warnings(machine: dict[str, Any], state: DeviceState) -> list[str]:
    """Return what makes latencies measured on this phone doubtful, one sentence each."""
    warnings = []
    if state.thermal_status is None:
        sign = "only a lowered clock" if state.frequency_caps else "nothing"
        warnings.append(
            "it reports no thermal status (Android 10 and later do, if the maker's thermal HAL runs): "
            f"{sign} would show throttling"
        )
    if machine["battery_saver"]:
        warnings.append("its battery saver is on and lowers the clocks; turn it off")
    if state.battery_level is not None and state.battery_level < _LOW_BATTERY:
        warnings.append(f"its battery is at {state.battery_level} %; some phones then lower their clocks")
    return warnings


def _output(phone: Phone, command: str) -> str | None:
    reply = phone.run(command)
    return reply.output.strip() or None if reply.code == 0 else None


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() else None
