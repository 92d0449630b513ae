"""The state a phone is in: heat, throttling, battery. Read before and after every run.

What the parsers take was written by Android's own `dumpsys`; see tests/benchmark/recordings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mmnet.benchmark.android.phone import Phone

# android.os.PowerManager's THERMAL_STATUS_…, by number.
THERMAL_STATUSES = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")

_TEMPERATURE = re.compile(
    r"Temperature\{mValue=(?P<value>-?[\d.]+(?:E-?\d+)?), mType=(?P<type>-?\d+), mName=(?P<name>[^,}]*)"
)
# android.os.Temperature's TYPE_BCL_VOLTAGE, _CURRENT and _PERCENTAGE: millivolts and the like in the same form.
_NO_TEMPERATURES = {"6", "7", "8"}
_NOBODY_SETS_IT = re.compile(r"^\s*(HAL Ready: false|ThermalHAL 1\.0 connected)", re.MULTILINE)
_IMPLAUSIBLE = -30.0  # °C: sensors that are not there report -99.9 and the like
_CAPS = "cat /sys/devices/system/cpu/cpufreq/policy*/scaling_max_freq"


@dataclass(frozen=True)
class Condition:
    """What the phone tells of itself at a moment; None where it does not.

    Attributes:
        thermal_status: an index into THERMAL_STATUSES; from 1 on, clocks are lowered against heat.
        temperatures: °C by sensor, as the hardware reports them now.
        frequency_caps: kHz, the highest clock that each cluster may take now.
        battery_level: percent.
        battery_temperature: °C.
        charging: whether it is connected to power.
    """

    thermal_status: int | None = None
    temperatures: dict[str, float] | None = None
    frequency_caps: list[int] | None = None
    battery_level: int | None = None
    battery_temperature: float | None = None
    charging: bool | None = None


def read_condition(phone: Phone) -> Condition:
    """Ask the phone.

    Raises:
        DeviceError: it is gone.
    """
    status, temperatures = parse_thermal(phone.run("dumpsys thermalservice").output)
    level, temperature, charging = parse_battery(phone.run("dumpsys battery").output)
    caps = phone.run(_CAPS)
    numbers = [int(word) for word in caps.output.split() if word.isdecimal()] if caps.code == 0 else []
    return Condition(status, temperatures, numbers or None, level, temperature, charging)


def parse_thermal(text: str) -> tuple[int | None, dict[str, float] | None]:
    """Status and temperatures of `dumpsys thermalservice` (Android 10 and later; earlier ones have no such service).

    Where both are there, the hardware's current temperatures count, not the cached ones. Without the maker's thermal
    HAL, or with its version 1.0, nobody ever sets the status (AOSP's ThermalManagerService): a 0 then says nothing.
    """
    found_status = re.search(r"^\s*Thermal Status: (\d+)", text, re.MULTILINE)
    status = int(found_status[1]) if found_status else None
    if status == 0 and _NOBODY_SETS_IT.search(text):
        status = None
    current = text.partition("Current temperatures from HAL:")[2].partition("Current cooling devices")[0]
    cached = text.partition("Cached temperatures:")[2].partition("HAL Ready:")[0]
    temperatures = {
        found["name"]: float(found["value"])
        for found in _TEMPERATURE.finditer(current if _TEMPERATURE.search(current) else cached)
        if found["type"] not in _NO_TEMPERATURES and float(found["value"]) > _IMPLAUSIBLE
    }
    return status, temperatures or None


def parse_battery(text: str) -> tuple[int | None, float | None, bool | None]:
    """Level in percent, temperature in °C (`dumpsys battery` gives tenths), and whether it is on power."""
    # The first of each: makers append lines of their own, some with the same names.
    found: dict[str, str] = {}
    for key, value in re.findall(r"^\s*([A-Za-z ]+): *(\S+)\s*$", text, re.MULTILINE):
        found.setdefault(key, value)
    level, scale, temperature = (_number(found.get(key)) for key in ("level", "scale", "temperature"))
    powered = [value for key, value in found.items() if key.endswith(" powered")]
    return (
        None if level is None else round(100 * level / (scale or 100)),
        None if temperature is None else temperature / 10,
        "true" in powered if powered else None,
    )


def throttled(before: Condition, after: Condition) -> str | None:
    """Why a run between two moments does not count; None if it does.

    Heat counts where Android reports a thermal status; where it does not (before Android 10), a cluster whose highest
    clock was lowered meanwhile tells.
    """
    for moment, condition in (("before", before), ("after", after)):
        if condition.thermal_status:
            return f"thermal status {condition.thermal_status} ({name_status(condition.thermal_status)}) {moment} it"
    pairs = zip(before.frequency_caps or (), after.frequency_caps or (), strict=False)
    if any(later < earlier for earlier, later in pairs):
        return "a clock was capped during it"
    return None


def name_status(status: int) -> str:
    """`moderate` for 2."""
    return THERMAL_STATUSES[status] if status < len(THERMAL_STATUSES) else "unknown"


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.lstrip("-").isdecimal() else None
