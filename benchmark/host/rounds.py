"""Latency on this host: every model is started in a process of its own, then all models take turns."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.host.stages import COMPOSITE, STAGES, StagedMatter, camera_frame
from mmnet.benchmark.host.startup import Startup, measure_startup
from mmnet.benchmark.latency import Times
from mmnet.benchmark.progress import Progress
from mmnet.evaluation.models import Candidate
from mmnet.runtime.errors import ModelError
from mmnet.runtime.imaging.fit import Fit
from mmnet.runtime.tflite.accelerator import choose_accelerator
from mmnet.runtime.tflite.interpreter import Delegate

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

MAX_THREADS = 64
MAX_FRAME_SIDE = 1 << 13


@dataclass(frozen=True)
class HostOptions:
    """Options of a measurement on this host.

    Attributes:
        threads: numbers of threads, each in 1-64; every model is measured with each of them.
        runs: measured rounds, in each of which every model is measured once, >= 1.
        warmup_runs: rounds before the measured ones, >= 0.
        delegate: one of `Delegate`: xnnpack, or none for LiteRT's built-in kernels.
        accelerator: `cpu` or `gpu`, what LiteRT compiles the models for; None runs them in an interpreter.
        frame: height and width of the photo that is matted, pixels, each in 1-8192.
        fit: how the photo is brought into the model's square; `auto` measures two passes.
        composite: whether every matte is composited over another background, and that stage timed.
        seed: seed of the order in which models take their turns.

    Raises:
        BenchmarkError: a value is not accepted.
    """

    threads: Sequence[int] = (1,)
    runs: int = 100
    warmup_runs: int = 10
    delegate: str = "xnnpack"
    accelerator: str | None = None
    frame: tuple[int, int] = (480, 640)
    fit: Fit = Fit.STRETCH
    composite: bool = False
    seed: int = 2019

    def __post_init__(self) -> None:
        check_threads(self.threads)
        if self.runs < 1 or self.warmup_runs < 0:
            raise BenchmarkError(f"{self.runs} runs after {self.warmup_runs}: give at least 1 run after at least 0")
        if self.delegate not in list(Delegate):
            raise BenchmarkError(f"unknown delegate {self.delegate!r}; choose one of {', '.join(Delegate)}")
        if choose_accelerator(self.accelerator) is not None and self.delegate != Delegate.XNNPACK:
            raise BenchmarkError(f"an accelerator needs no delegate; leave {self.delegate} out")
        if not all(1 <= side <= MAX_FRAME_SIDE for side in self.frame):
            raise BenchmarkError(f"the frame is {self.frame}; give height and width, each in 1-{MAX_FRAME_SIDE} pixels")

    @property
    def runs_on(self) -> str:
        """The delegate or the accelerator that runs the operators, in words."""
        return self.delegate if self.accelerator is None else f"accelerator {self.accelerator}"

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that are timed, in their order."""
        return (*STAGES, COMPOSITE) if self.composite else STAGES


def check_threads(threads: Sequence[int]) -> None:
    """Check the numbers of threads.

    Raises:
        BenchmarkError: there is none, or one is not in 1-64.
    """
    if not threads or not all(1 <= count <= MAX_THREADS for count in threads):
        raise BenchmarkError(f"threads are {list(threads)}; give numbers in 1-{MAX_THREADS}")


@dataclass(frozen=True)
class HostResult:
    """The measurements of one model with one number of threads.

    Attributes:
        candidate: the model.
        threads: number of threads.
        startup: its start in a process of its own.
        times: float64 [runs] per stage, milliseconds, round by round.
    """

    candidate: Candidate
    threads: int
    startup: Startup
    times: dict[str, Times]


def measure_rounds(
    candidates: Sequence[Candidate], options: HostOptions, progress: Progress
) -> tuple[list[HostResult], int | None]:
    """Measure models in one interleaved run, so that other load on the machine affects all of them alike.

    OpenCV, which upsamples and composites, runs on as many threads as the model. In each round the models take turns in
    an order drawn anew. A turn has two runs, and the second one counts: the first brings the model's weights back into
    the caches, where they are while a video is matted.

    Returns:
        One result per model and number of threads, models first; and the number of involuntary context switches of
        this process during the measured rounds, which is near 0 on a quiet machine, and None where it is not counted.

    Raises:
        ModelError: LiteRT cannot load or run a model; names it.
    """
    cases = [(candidate, threads) for candidate in candidates for threads in options.threads]
    startups, matters = _start(cases, options, progress)
    times, context_switches = _take_turns(matters, [threads for _, threads in cases], options, progress)
    results = [
        HostResult(candidate, threads, startup, dict(zip(options.stages, times[index].T, strict=True)))
        for index, ((candidate, threads), startup) in enumerate(zip(cases, startups, strict=True))
    ]
    return results, context_switches


def _start(
    cases: Sequence[tuple[Candidate, int]], options: HostOptions, progress: Progress
) -> tuple[list[Startup], list[StagedMatter]]:
    startups, matters = [], []
    for done, (candidate, threads) in enumerate(cases):
        progress(f"starting {candidate.name}", done, len(cases))
        try:
            startups.append(
                measure_startup(
                    candidate.content,
                    threads,
                    options.delegate,
                    options.frame,
                    options.warmup_runs,
                    options.fit,
                    options.accelerator,
                )
            )
            matters.append(StagedMatter(candidate.content, threads, options.delegate, options.fit, options.accelerator))
        except ModelError as error:
            reason = str(error).removeprefix("the model: ")
            raise ModelError(f"{candidate.source}: {reason}") from error
    return startups, matters


def _take_turns(
    matters: Sequence[StagedMatter], threads: Sequence[int], options: HostOptions, progress: Progress
) -> tuple[Times, int | None]:
    """Return float64 [models, runs, stages] in milliseconds, and the involuntary context switches or None."""
    photo = camera_frame(*options.frame)
    background = photo[::-1].copy() if options.composite else None
    times = np.zeros((len(matters), options.runs, len(options.stages)))
    generator, turns = random.Random(options.seed), list(range(len(matters)))
    opencv_threads = cv2.getNumThreads()
    switches = _involuntary_context_switches()
    try:
        for round_index in range(-options.warmup_runs, options.runs):
            if round_index == 0:
                switches = _involuntary_context_switches()
            generator.shuffle(turns)
            for index in turns:
                cv2.setNumThreads(threads[index])
                matters[index].time_stages(photo, background)
                spent = matters[index].time_stages(photo, background)
                if round_index >= 0:
                    times[index, round_index] = spent
            progress("measuring", options.warmup_runs + round_index + 1, options.warmup_runs + options.runs)
    finally:
        cv2.setNumThreads(opencv_threads)
    after = _involuntary_context_switches()
    return times, None if after is None or switches is None else after - switches


def _involuntary_context_switches() -> int | None:
    """Return how often this process was interrupted; None where the system does not count it."""
    return None if resource is None else resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
