"""The state of a phone: heat, throttling, battery. It is read before and after every start of a tool.

The parsers read the output of Android's own `dumpsys`; tests/benchmark/recordings holds examples.
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
# android.os.Temperature's TYPE_BCL_VOLTAGE, _CURRENT and _PERCENTAGE: other quantities in the same form.
_OTHER_QUANTITIES = {"6", "7", "8"}
_STATUS_NEVER_SET = re.compile(r"^\s*(HAL Ready: false|ThermalHAL 1\.0 connected)", re.MULTILINE)
_IMPLAUSIBLE = -30.0  # °C: absent sensors report -99.9 or similar
_READ_CAPS = "cat /sys/devices/system/cpu/cpufreq/policy*/scaling_max_freq"


@dataclass(frozen=True)
class DeviceState:
    """The state of the phone at one moment; None where the phone does not report a value.

    Attributes:
        thermal_status: an index into THERMAL_STATUSES; from 1 on, Android throttles the clocks.
        temperatures: the current temperature of each sensor, °C.
        frequency_caps: the highest clock that each cluster of processors may take now, kHz.
        battery_level: the charge of the battery, percent.
        battery_temperature: the temperature of the battery, °C.
        charging: whether the phone is connected to power.
    """

    thermal_status: int | None = None
    temperatures: dict[str, float] | None = None
    frequency_caps: list[int] | None = None
    battery_level: int | None = None
    battery_temperature: float | None = None
    charging: bool | None = None


def read_state(phone: Phone) -> DeviceState:
    """Read the state of the phone.

    Raises:
        DeviceError: the phone is gone.
    """
    status, temperatures = parse_thermal(phone.run("dumpsys thermalservice").output)
    level, temperature, charging = parse_battery(phone.run("dumpsys battery").output)
    caps = phone.run(_READ_CAPS)
    numbers = [int(word) for word in caps.output.split() if word.isdecimal()] if caps.code == 0 else []
    return DeviceState(status, temperatures, numbers or None, level, temperature, charging)


def parse_thermal(text: str) -> tuple[int | None, dict[str, float] | None]:
    """Return the status and the temperatures in °C of `dumpsys thermalservice`, which exists since Android 10.

    The hardware's current temperatures take precedence over the cached ones. Without the maker's thermal HAL, or with
    its version 1.0, the status is never set (AOSP's ThermalManagerService): a status of 0 then means "unknown".
    """
    status_line = re.search(r"^\s*Thermal Status: (\d+)", text, re.MULTILINE)
    status = int(status_line[1]) if status_line else None
    if status == 0 and _STATUS_NEVER_SET.search(text):
        status = None
    current = text.partition("Current temperatures from HAL:")[2].partition("Current cooling devices")[0]
    cached = text.partition("Cached temperatures:")[2].partition("HAL Ready:")[0]
    temperatures = {
        match["name"]: float(match["value"])
        for match in _TEMPERATURE.finditer(current if _TEMPERATURE.search(current) else cached)
        if match["type"] not in _OTHER_QUANTITIES and float(match["value"]) > _IMPLAUSIBLE
    }
    return status, temperatures or None


def parse_battery(text: str) -> tuple[int | None, float | None, bool | None]:
    """Return level in percent, temperature in °C and whether it is charging, from `dumpsys battery`."""
    # The first line of each name counts: makers append lines of their own, some with the same names.
    values: dict[str, str] = {}
    for key, value in re.findall(r"^\s*([A-Za-z ]+): *(\S+)\s*$", text, re.MULTILINE):
        values.setdefault(key, value)
    level, scale, temperature = (_number(values.get(key)) for key in ("level", "scale", "temperature"))
    powered = [value for key, value in values.items() if key.endswith(" powered")]
    return (
        None if level is None else round(100 * level / (scale or 100)),
        None if temperature is None else temperature / 10,  # tenths of a degree
        "true" in powered if powered else None,
    )


def throttling_reason(before: DeviceState, after: DeviceState) -> str | None:
    """Return why a run between two states was throttled; None if it was not.

    A thermal status above 0 means throttling. So does a cluster of processors whose highest clock was lowered between
    the two, which is all that Android before version 10 shows.
    """
    for moment, state in (("before", before), ("after", after)):
        if state.thermal_status:
            return f"thermal status {state.thermal_status} ({status_name(state.thermal_status)}) {moment} it"
    pairs = zip(before.frequency_caps or (), after.frequency_caps or (), strict=False)
    if any(later < earlier for earlier, later in pairs):
        return "a clock was capped during it"
    return None


def status_name(status: int) -> str:
    """Return Android's name of a thermal status, for example `moderate` for 2."""
    return THERMAL_STATUSES[status] if status < len(THERMAL_STATUSES) else "unknown"


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.lstrip("-").isdecimal() else None
