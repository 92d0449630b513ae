"""Latency on a phone: models take turns in rounds, with pauses to cool down; a throttled round is repeated."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mmnet.benchmark.android.device_state import DeviceState, read_state, status_name, throttling_reason
from mmnet.benchmark.android.phone import Phone
from mmnet.benchmark.android.tool import Tool, ToolResult
from mmnet.benchmark.document import describe_model
from mmnet.benchmark.errors import BenchmarkError, DeviceError
from mmnet.benchmark.host.rounds import check_threads
from mmnet.benchmark.latency import Latency
from mmnet.benchmark.progress import Progress
from mmnet.evaluation.models import Candidate

_ATTEMPTS = 3  # at a round that was throttled
_POLL_SECONDS = 2.0


@dataclass(frozen=True)
class RoundOptions:
    """The options of the rounds in which models take turns on a phone.

    Attributes:
        threads: numbers of threads, each in 1-64; every model is measured with each of them.
        runs: measured runs of every model and number of threads, over all rounds, >= 1.
        rounds: rounds, in each of which every model is started once, >= 1; at most `runs` are made.
        cool_down: seconds of pause before every start but the first, >= 0.
        timeout: seconds to wait for a throttled phone to cool down, >= 0.
        seed: seed of the order in which models take their turns.

    Raises:
        BenchmarkError: a value is not accepted.
    """

    threads: Sequence[int] = (1,)
    runs: int = 100
    rounds: int = 5
    cool_down: float = 10.0
    timeout: float = 300.0
    seed: int = 2019

    def __post_init__(self) -> None:
        check_threads(self.threads)
        if self.runs < 1 or self.rounds < 1:
            raise BenchmarkError(f"{self.runs} runs in {self.rounds} rounds: give at least 1 of each")
        if self.cool_down < 0 or self.timeout < 0:
            raise BenchmarkError(f"cool-down {self.cool_down} s, timeout {self.timeout} s: give at least 0")

    @property
    def round_count(self) -> int:
        """The number of rounds: at least one run falls into each."""
        return min(self.rounds, self.runs)

    @property
    def runs_per_round(self) -> int:
        """The runs of every model in one round, rounded up."""
        return -(-self.runs // self.round_count)


@dataclass
class _Case:
    """One model with one number of threads, and what was measured of it so far."""

    candidate: Candidate
    threads: int
    results: list[ToolResult] = field(default_factory=list)
    states: list[tuple[DeviceState, DeviceState]] = field(default_factory=list)
    discarded: list[str] = field(default_factory=list)


def measure_rounds(
    phone: Phone, tool: Tool, candidates: Sequence[Candidate], options: RoundOptions, progress: Progress
) -> list[dict[str, Any]]:
    """Measure models in turns, and remove everything from the phone at the end.

    Returns:
        RESULTs (see `mmnet.benchmark.document`) without their ratios. A round is one start of the tool, and its time is
        the median of the start's runs.

    Raises:
        DeviceError: the phone is gone, the tool fails, or the phone stays throttled.
    """
    cases = [_Case(candidate, threads) for candidate in candidates for threads in options.threads]
    turns, generator = list(cases), random.Random(options.seed)
    total = options.round_count * len(cases)
    with phone.clearing(*tool.paths):
        tool.prepare()
        for round_index in range(options.round_count):
            generator.shuffle(turns)
            for turn, case in enumerate(turns):
                done = round_index * len(cases) + turn
                progress(f"measuring {case.candidate.name}", done, total)
                _measure_turn(phone, tool, case, options, first=done == 0)
    progress("", total, total)
    return [_entry(case) for case in cases]


def _measure_turn(phone: Phone, tool: Tool, case: _Case, options: RoundOptions, *, first: bool) -> None:
    """Start the tool on one model, and again if the phone was throttled meanwhile."""
    for attempt in range(_ATTEMPTS):
        if not first or attempt:
            time.sleep(options.cool_down)
        before = _await_cool(phone, options.timeout)
        result = tool.measure(case.candidate.name, case.candidate.content, case.threads, options.runs_per_round)
        after = read_state(phone)
        reason = throttling_reason(before, after)
        if reason is None:
            case.results.append(result)
            case.states.append((before, after))
            return
        case.discarded.append(reason)
    raise DeviceError(
        f"{phone.serial}: {case.candidate.name} was throttled {_ATTEMPTS} times in a row ({reason}), so its times mean "
        "nothing; let the phone cool, take it off its charger, or give a larger cool_down=… or a smaller runs=N"
    )


def _await_cool(phone: Phone, timeout: float) -> DeviceState:
    """Wait until the phone is no longer throttled, and return its state."""
    deadline = time.monotonic() + timeout
    while (state := read_state(phone)).thermal_status:
        if time.monotonic() >= deadline:
            raise DeviceError(
                f"{phone.serial}: is throttled by heat (thermal status {state.thermal_status}, "
                f"{status_name(state.thermal_status)}), and still was after {timeout:.0f} s; let it cool down"
            )
        time.sleep(min(_POLL_SECONDS, max(0.0, deadline - time.monotonic())))
    return state


def _entry(case: _Case) -> dict[str, Any]:
    results = case.results
    stages = list(results[0].stages)
    memory = [result.peak_memory_bytes for result in results if result.peak_memory_bytes is not None]
    return {
        **describe_model(case.candidate),
        "threads": case.threads,
        "load_ms": float(np.median([result.load_ms for result in results])),
        "first_run_ms": float(np.median([result.first_run_ms for result in results])),
        "warmup": asdict(results[0].warmup) if results[0].warmup else None,
        "peak_memory_bytes": max(memory, default=None),
        "process_memory_bytes": None,
        "delegated": asdict(results[0].delegated) if results[0].delegated else None,
        "stages": {stage: asdict(_over_rounds(results, stage)) for stage in stages},
        "rounds_ms": {stage: [_central_ms(result.stages[stage]) for result in results] for stage in stages},
        "conditions": [{"before": asdict(before), "after": asdict(after)} for before, after in case.states],
        "discarded_rounds": case.discarded,
    }


def _over_rounds(results: Sequence[ToolResult], stage: str) -> Latency:
    """Return the latency of a stage over all rounds.

    It is the distribution of all runs where the tool reports each of them. Otherwise it has the least minimum, the
    greatest maximum and the mean of all runs, and the medians of the rounds' medians and 95th percentiles.
    """
    times = [result.times[stage] for result in results if result.times is not None]
    if times:
        return Latency.of(np.concatenate(times))
    rounds = [result.stages[stage] for result in results]
    p95 = [latency.p95_ms for latency in rounds if latency.p95_ms is not None]
    least = [latency.min_ms for latency in rounds if latency.min_ms is not None]
    greatest = [latency.max_ms for latency in rounds if latency.max_ms is not None]
    mean = [latency.mean_ms for latency in rounds if latency.mean_ms is not None]
    return Latency(
        runs=sum(latency.runs for latency in rounds),
        min_ms=min(least, default=None),
        median_ms=float(np.median([_central_ms(latency) for latency in rounds])),
        p95_ms=float(np.median(p95)) if p95 else None,
        max_ms=max(greatest, default=None),
        mean_ms=float(np.average(mean, weights=[latency.runs for latency in rounds])) if mean else None,
    )


def _central_ms(latency: Latency) -> float:
    """Return the time of a round: its median, or its mean where an older `benchmark_model` reports no median."""
    value = latency.mean_ms if latency.median_ms is None else latency.median_ms
    assert value is not None  # every tool reports one of the two
    return value
