"""Latency on this host: every model started alone, then all of them taking turns."""

from __future__ import annotations

import random
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.benchmark.host.cold import ColdStart, measure_cold_start
from mmnet.benchmark.host.stages import COMPOSITE, STAGES, StagedModel, camera_frame
from mmnet.evaluation.models import Candidate
from mmnet.runtime.errors import ModelError

Progress = Callable[[str, int, int], None]  # what is being done, how much of it is done, of how much


@dataclass(frozen=True)
class Plan:
    """How to measure.

    Attributes:
        threads: the numbers of threads, each >= 1; every model is measured with every one.
        runs: rounds, in each of which every model is measured once, >= 1.
        warmup_runs: rounds before them, >= 0.
        delegate: one of `stages.HOST_DELEGATES`.
        height, width: of the photo that is matted, pixels.
        seed: of the order in which models take their turns.
        composite: whether a composite is made of every matte, and timed.
    """

    threads: Sequence[int] = (1,)
    runs: int = 100
    warmup_runs: int = 10
    delegate: str = "xnnpack"
    height: int = 480
    width: int = 640
    seed: int = 2019
    composite: bool = False

    @property
    def stages(self) -> tuple[str, ...]:
        """What is timed, in its order."""
        return (*STAGES, COMPOSITE) if self.composite else STAGES


@dataclass(frozen=True)
class Measured:
    """One model on one number of threads.

    Attributes:
        candidate: the model.
        threads: how many.
        cold: its start.
        times: of each stage, float64 [runs], milliseconds, round by round.
    """

    candidate: Candidate
    threads: int
    cold: ColdStart
    times: dict[str, NDArray[np.float64]]


def measure(candidates: Sequence[Candidate], plan: Plan, progress: Progress) -> tuple[list[Measured], int]:
    """Measure models in one run, so that what the machine does meanwhile falls on all of them alike.

    OpenCV, which upsamples and composites, has as many threads as the model. In each round the models take turns in an
    order drawn anew. A turn is two runs, of which the second counts: the
    first brings the model's weights back into the caches, where they lie when a video is matted.

    Returns:
        An entry a model and number of threads, models first; and how often the system took the processor away from
        this process during the rounds (involuntary context switches): on a quiet machine, hardly ever.

    Raises:
        ModelError: LiteRT refuses a model; names it.
    """
    cases = [(candidate, threads) for candidate in candidates for threads in plan.threads]
    starts, models = [], []
    for done, (candidate, threads) in enumerate(cases):
        progress(f"starting {candidate.name}", done, len(cases))
        try:
            starts.append(
                measure_cold_start(candidate.content, threads, plan.delegate, plan.height, plan.width, plan.warmup_runs)
            )
            models.append(StagedModel(candidate.content, threads, plan.delegate))
        except ModelError as error:
            raise ModelError(f"{candidate.source}: {error}") from error

    photo = camera_frame(plan.height, plan.width)
    background = photo[::-1].copy() if plan.composite else None
    times = np.zeros((len(cases), plan.runs, len(plan.stages)))
    opencv_threads = cv2.getNumThreads()
    shuffled, turns = random.Random(plan.seed), list(range(len(cases)))
    taken_away = 0
    for round_index in range(-plan.warmup_runs, plan.runs):
        if round_index == 0:
            taken_away = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
        shuffled.shuffle(turns)
        for index in turns:
            cv2.setNumThreads(cases[index][1])
            models[index].time_stages(photo, background)
            spent = models[index].time_stages(photo, background)
            if round_index >= 0:
                times[index, round_index] = spent
        progress("measuring", plan.warmup_runs + round_index + 1, plan.warmup_runs + plan.runs)
    cv2.setNumThreads(opencv_threads)
    taken_away = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - taken_away
    measured = [
        Measured(candidate, threads, cold, dict(zip(plan.stages, times[index].T, strict=True)))
        for index, ((candidate, threads), cold) in enumerate(zip(cases, starts, strict=True))
    ]
    return measured, taken_away
