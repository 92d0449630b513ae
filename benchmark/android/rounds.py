"""Latency on a phone: models take turns in rounds, with pauses to cool down; what was throttled does not count."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from mmnet.benchmark.android.condition import Condition, name_status, read_condition, throttled
from mmnet.benchmark.android.phone import Phone
from mmnet.benchmark.document import describe_model
from mmnet.benchmark.errors import DeviceError
from mmnet.benchmark.host.machine import KERNEL_FEATURES, tool_versions
from mmnet.benchmark.latency import Latency, Milliseconds
from mmnet.evaluation.models import Candidate

_ATTEMPTS = 3  # at a round that was throttled
_POLL_SECONDS = 2.0
_LOW_BATTERY = 20  # percent


@dataclass(frozen=True)
class Start:
    """What one start of a tool on one model measured.

    Attributes:
        load_ms, first_run_ms: milliseconds.
        warmup: the runs between the first and those that count.
        stages: the runs that count, a `Latency` a stage; `invoke` is always there.
        times: every run of every stage, float64 [N] milliseconds; None where the tool tells their distribution alone.
        peak_memory_bytes: None where the tool does not tell.
    """

    load_ms: float
    first_run_ms: float
    warmup: Latency | None
    stages: dict[str, Latency]
    times: dict[str, Milliseconds] | None
    peak_memory_bytes: int | None


class Tool(Protocol):
    """What measures on the phone."""

    paths: tuple[str, ...]
    """What it puts there, to be removed."""

    def prepare(self) -> None:
        """Put there what it needs."""

    def start(self, name: str, content: bytes, threads: int, runs: int) -> Start:
        """Start it once on one model."""


@dataclass(frozen=True)
class DevicePlan:
    """How to measure.

    Attributes:
        threads: the numbers of threads; every model is measured with every one.
        runs: that count, of every model and number of threads, over all rounds.
        rounds: >= 1, in each of which every model is started once.
        cool_down: seconds of pause before every start but the first.
        patience: seconds to wait for the phone to cool down until it is no longer throttled.
        seed: of the order in which models take their turns.
    """

    threads: Sequence[int]
    runs: int
    rounds: int
    cool_down: float
    patience: float
    seed: int = 2019

    @property
    def runs_a_round(self) -> int:
        """Rounded up."""
        return -(-self.runs // self.rounds)


@dataclass
class _Case:
    candidate: Candidate
    threads: int
    starts: list[Start]
    conditions: list[tuple[Condition, Condition]]
    discarded: list[str]


def measure_on_phone(
    phone: Phone,
    tool: Tool,
    candidates: Sequence[Candidate],
    plan: DevicePlan,
    progress: Callable[[str, int, int], None],
) -> list[dict[str, Any]]:
    """RESULTs (see `mmnet.benchmark.document`), without their ratios; a round is one start, its time the median.

    Raises:
        DeviceError: the phone is gone, a start fails, or the phone stays throttled. Nothing is left on it.
    """
    cases = [_Case(candidate, threads, [], [], []) for candidate in candidates for threads in plan.threads]
    turns, shuffled = list(cases), random.Random(plan.seed)
    total = plan.rounds * len(cases)
    with phone.clearing(*tool.paths):
        tool.prepare()
        for round_index in range(plan.rounds):
            shuffled.shuffle(turns)
            for turn, case in enumerate(turns):
                done = round_index * len(cases) + turn
                progress(f"measuring {case.candidate.name}", done, total)
                _measure_round(phone, tool, case, plan, first=done == 0)
    progress("", total, total)
    return [_result(case) for case in cases]


def _measure_round(phone: Phone, tool: Tool, case: _Case, plan: DevicePlan, *, first: bool) -> None:
    for attempt in range(_ATTEMPTS):
        if not first or attempt:
            time.sleep(plan.cool_down)
        before = _await_cool(phone, plan.patience)
        start = tool.start(case.candidate.name, case.candidate.content, case.threads, plan.runs_a_round)
        after = read_condition(phone)
        reason = throttled(before, after)
        if reason is None:
            case.starts.append(start)
            case.conditions.append((before, after))
            return
        case.discarded.append(reason)
    raise DeviceError(
        f"{phone.serial}: {case.candidate.name} was throttled {_ATTEMPTS} times in a row ({reason}), its times say "
        "nothing; let the phone cool, take it off its charger, or give a longer --cool-down or fewer --runs"
    )


def _await_cool(phone: Phone, patience: float) -> Condition:
    deadline = time.monotonic() + patience
    while (condition := read_condition(phone)).thermal_status:
        if time.monotonic() >= deadline:
            raise DeviceError(
                f"{phone.serial}: is throttled against heat (thermal status {condition.thermal_status}, "
                f"{name_status(condition.thermal_status)}) and was still after {patience:.0f} s; let it cool down"
            )
        time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
    return condition


def _result(case: _Case) -> dict[str, Any]:
    starts = case.starts
    stages = list(starts[0].stages)
    memory = [start.peak_memory_bytes for start in starts if start.peak_memory_bytes is not None]
    return {
        **describe_model(case.candidate),
        "threads": case.threads,
        "load_ms": float(np.median([start.load_ms for start in starts])),
        "first_run_ms": float(np.median([start.first_run_ms for start in starts])),
        "warmup": asdict(starts[0].warmup) if starts[0].warmup else None,
        "peak_memory_bytes": max(memory, default=None),
        "process_memory_bytes": None,
        "stages": {stage: asdict(_over_rounds(starts, stage)) for stage in stages},
        "rounds_ms": {stage: [_middle(start.stages[stage]) for start in starts] for stage in stages},
        "conditions": [{"before": asdict(before), "after": asdict(after)} for before, after in case.conditions],
        "discarded_rounds": case.discarded,
    }


def _over_rounds(starts: Sequence[Start], stage: str) -> Latency:
    """All runs where each is known. Otherwise the rounds' least, greatest and mean; and, where they have such, the
    median of their medians and of their 95th percentiles."""
    times = [start.times[stage] for start in starts if start.times is not None]
    if times:
        return Latency.of(np.concatenate(times))
    rounds = [start.stages[stage] for start in starts]
    p95 = [found.p95_ms for found in rounds if found.p95_ms is not None]
    least = [found.min_ms for found in rounds if found.min_ms is not None]
    greatest = [found.max_ms for found in rounds if found.max_ms is not None]
    mean = [found.mean_ms for found in rounds if found.mean_ms is not None]
    return Latency(
        runs=sum(found.runs for found in rounds),
        min_ms=min(least, default=None),
        median_ms=float(np.median([_middle(found) for found in rounds])),
        p95_ms=float(np.median(p95)) if p95 else None,
        max_ms=max(greatest, default=None),
        mean_ms=float(np.average(mean, weights=[found.runs for found in rounds])) if mean else None,
    )


def _middle(latency: Latency) -> float:
    """A round's time: its median; of an older `benchmark_model`, which tells none, the mean."""
    value = latency.mean_ms if latency.median_ms is None else latency.median_ms
    assert value is not None  # one of the two is always known
    return value


def describe_phone(phone: Phone) -> dict[str, Any]:
    """The phone as plain JSON values, null where it does not tell."""
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
        "governor": _said(phone, "cat /sys/devices/system/cpu/cpufreq/policy0/scaling_governor"),
        "abis": phone.property("ro.product.cpu.abilist"),
        "android": phone.property("ro.build.version.release"),
        "build": phone.property("ro.build.fingerprint"),
        "battery_saver": {"0": False, "1": True}.get(_said(phone, "settings get global low_power") or ""),
        "versions": tool_versions(),
    }


def complaints_about(machine: dict[str, Any], condition: Condition) -> list[str]:
    """What makes this phone's latencies doubtful, a sentence each."""
    found = []
    if condition.thermal_status is None:
        what = "a lowered clock is all" if condition.frequency_caps else "nothing"
        found.append(
            "it tells no thermal status (Android 10 and later do, if the maker's thermal HAL runs): "
            f"{what} that would show throttling"
        )
    if machine["battery_saver"]:
        found.append("its battery saver is on and lowers the clocks; turn it off")
    if condition.battery_level is not None and condition.battery_level < _LOW_BATTERY:
        found.append(f"its battery is at {condition.battery_level} %; some phones lower their clocks then")
    return found


def _said(phone: Phone, command: str) -> str | None:
    reply = phone.run(command)
    return reply.output.strip() or None if reply.code == 0 else None


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() else None
