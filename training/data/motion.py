"""Movements of people, scenes and cameras: a table of motions, and trajectories drawn from it.

A trajectory is a function of time, so that frames, and the moments within a frame's exposure, can be computed in any
order. Lengths are in 1/256 of the frame's shorter side, times in frames, angles in degrees.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Oscillation:
    """Ranges from which the movement of one coordinate is drawn: a sum of sines and a constant speed.

    Attributes:
        amplitude: of each sine, whose phase is drawn.
        period: of each sine, in frames.
        terms: number of sines; with several, the movement does not repeat.
        speed: change per frame, whose sign is drawn.
    """

    amplitude: Range = (0.0, 0.0)
    period: Range = (30.0, 30.0)
    terms: int = 1
    speed: Range = (0.0, 0.0)


# The coordinates: x to the right, y downwards, angle, zoom (0 = none, 0.1 = a tenth nearer), turn (0 = facing the
# camera, 1 = half of the width is left), breath (0 = none, 0.02 = the chest is 2 % wider).
COORDINATES = ("x", "y", "angle", "zoom", "turn", "breath")
Movement = Mapping[str, Oscillation]  # coordinate -> its oscillation


@dataclass(frozen=True)
class Motion:
    """One kind of movement.

    Attributes:
        description: in words.
        person: movement of the person in front of the camera.
        scene: movement of the background.
        camera: movement that person and background share.
        exposure: part of a frame during which the shutter is open, which blurs what moves, the matte too.
    """

    description: str
    person: Movement = field(default_factory=dict)
    scene: Movement = field(default_factory=dict)
    camera: Movement = field(default_factory=dict)
    exposure: float = 0.0


MOTIONS: dict[str, Motion] = {
    "still": Motion("neither person nor scene moves"),
    "breathe": Motion(
        "the chest heaves, the head sways a little, in front of a still scene",
        person={
            "breath": Oscillation((0.01, 0.02), (60, 110)),
            "x": Oscillation((0.5, 1.5), (40, 90)),
            "angle": Oscillation((0.3, 0.8), (50, 100)),
        },
    ),
    "drift": Motion(
        "the person moves slowly in front of a panning scene",
        person={
            "x": Oscillation(speed=(0.3, 0.9)),
            "y": Oscillation((0.5, 2), (40, 80)),
            "zoom": Oscillation(speed=(0.0005, 0.002)),
        },
        scene={"x": Oscillation(speed=(0.3, 1.2)), "zoom": Oscillation(speed=(0.0005, 0.002))},
    ),
    "fast": Motion(
        "the person moves fast and with stops, the scene slowly",
        person={
            "x": Oscillation((14, 26), (22, 34)),
            "y": Oscillation((2, 6), (16, 28)),
            "angle": Oscillation((2, 5), (20, 32)),
        },
        scene={"x": Oscillation(speed=(0.2, 1.0))},
        exposure=0.5,
    ),
    "shake": Motion(
        "a camera held in an unsteady hand",
        person={"breath": Oscillation((0.005, 0.015), (60, 110))},
        camera={
            "x": Oscillation((0.5, 1.6), (5, 22), 3),
            "y": Oscillation((0.5, 1.6), (5, 22), 3),
            "angle": Oscillation((0.1, 0.4), (7, 25), 2),
        },
        exposure=0.3,
    ),
    "walk": Motion(
        "the person walks to and fro before the camera, nearer and farther, in front of a still scene",
        person={
            "x": Oscillation((50, 110), (110, 180)),
            "y": Oscillation((1, 3), (14, 18)),
            "zoom": Oscillation((0.03, 0.08), (90, 150)),
        },
        exposure=0.3,
    ),
    "turn": Motion(
        "the person turns and leans in front of a still scene",
        person={
            "turn": Oscillation((0.15, 0.35), (45, 80)),
            "angle": Oscillation((3, 8), (40, 70)),
            "x": Oscillation((2, 6), (45, 80)),
        },
    ),
}


class Trajectory:
    """The coordinates of a person, scene or camera over time, drawn once."""

    def __init__(self, movement: Movement, random: np.random.Generator) -> None:
        """Draw every coordinate, in the order of COORDINATES; those that `movement` leaves out stay 0."""
        self._terms: dict[str, tuple[float, list[tuple[float, float, float]]]] = {}
        for name in COORDINATES:
            ranges = movement.get(name, Oscillation())
            sign = float(random.choice([-1.0, 1.0]))
            sines = [
                (random.uniform(*ranges.amplitude), random.uniform(*ranges.period), random.uniform(0, 2 * math.pi))
                for _ in range(ranges.terms)
            ]
            self._terms[name] = sign * random.uniform(*ranges.speed), sines

    def at(self, time: float) -> dict[str, float]:
        """Return coordinate -> value at a time in frames, which may be negative."""
        return {
            name: speed * time + sum(a * math.sin(2 * math.pi * time / period + phase) for a, period, phase in sines)
            for name, (speed, sines) in self._terms.items()
        }


def placement(coordinates: Mapping[str, float], unit: float, centre: tuple[float, float]) -> Matrix:
    """Return the affine map of the frame's plane that coordinates describe.

    Args:
        coordinates: from `Trajectory.at`.
        unit: 1/256 of the frame's shorter side, in pixels.
        centre: x and y, in pixels, of the point that rotation, zoom and turn leave fixed.

    Returns:
        float64 [3, 3], on pixel coordinates (x, y, 1).
    """
    zoom = max(0.1, 1 + coordinates["zoom"])
    squeeze = 1 - abs(coordinates["turn"]) / 2
    cosine, sine = (zoom * turn(math.radians(coordinates["angle"])) for turn in (math.cos, math.sin))
    linear = np.array([[cosine * squeeze, -sine], [sine * squeeze, cosine]])
    middle = np.array(centre)
    shift = middle - linear @ middle + unit * np.array([coordinates["x"], coordinates["y"]])
    return np.vstack([np.column_stack([linear, shift]), [0, 0, 1]])
