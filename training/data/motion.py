"""How people, scenes and cameras move: a table of motions, and courses drawn from it.

A course is a function of time, so that frames, and the moments within a frame's exposure, can be asked for in any
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
class Sway:
    """A coordinate that swings, and perhaps wanders off.

    Attributes:
        amplitude: of each swing; its sign and phase are drawn.
        period: of each swing, in frames.
        swings: how many are added up; with several, the movement does not repeat.
        speed: a frame, in either direction.
    """

    amplitude: Range = (0.0, 0.0)
    period: Range = (30.0, 30.0)
    swings: int = 1
    speed: Range = (0.0, 0.0)


# What moves: x to the right, y downwards, angle, zoom (0 = none, 0.1 = a tenth nearer), turn (0 = facing the camera,
# 1 = half of the width is left), breath (0 = none, 0.02 = the chest is 2 % wider).
COORDINATES = ("x", "y", "angle", "zoom", "turn", "breath")
Layer = Mapping[str, Sway]


@dataclass(frozen=True)
class Motion:
    """One kind of movement.

    Attributes:
        what: in words.
        person, scene: how the person and what is behind moves before the camera.
        camera: moves both alike.
        exposure: part of a frame during which the shutter is open; what moves meanwhile is blurred, and the matte with
            it.
    """

    what: str
    person: Layer = field(default_factory=dict)
    scene: Layer = field(default_factory=dict)
    camera: Layer = field(default_factory=dict)
    exposure: float = 0.0


MOTIONS: dict[str, Motion] = {
    "still": Motion("neither person nor scene moves"),
    "breathe": Motion(
        "the chest heaves, the head sways a little, before a still scene",
        person={
            "breath": Sway((0.01, 0.02), (60, 110)),
            "x": Sway((0.5, 1.5), (40, 90)),
            "angle": Sway((0.3, 0.8), (50, 100)),
        },
    ),
    "drift": Motion(
        "the person moves slowly before a panning scene",
        person={"x": Sway(speed=(0.3, 0.9)), "y": Sway((0.5, 2), (40, 80)), "zoom": Sway(speed=(0.0005, 0.002))},
        scene={"x": Sway(speed=(0.3, 1.2)), "zoom": Sway(speed=(0.0005, 0.002))},
    ),
    "fast": Motion(
        "the person moves fast and with stops, the scene slowly",
        person={
            "x": Sway((14, 26), (22, 34)),
            "y": Sway((2, 6), (16, 28)),
            "angle": Sway((2, 5), (20, 32)),
        },
        scene={"x": Sway(speed=(0.2, 1.0))},
        exposure=0.5,
    ),
    "shake": Motion(
        "a camera held in an unsteady hand",
        person={"breath": Sway((0.005, 0.015), (60, 110))},
        camera={
            "x": Sway((0.5, 1.6), (5, 22), 3),
            "y": Sway((0.5, 1.6), (5, 22), 3),
            "angle": Sway((0.1, 0.4), (7, 25), 2),
        },
        exposure=0.3,
    ),
    "turn": Motion(
        "the person turns and leans before a still scene",
        person={
            "turn": Sway((0.15, 0.35), (45, 80)),
            "angle": Sway((3, 8), (40, 70)),
            "x": Sway((2, 6), (45, 80)),
        },
    ),
}


class Course:
    """What one layer does over time, drawn once."""

    def __init__(self, layer: Layer, random: np.random.Generator) -> None:
        """Draw every coordinate that `layer` names, in the order of COORDINATES."""
        self._terms: dict[str, tuple[float, list[tuple[float, float, float]]]] = {}
        for name in COORDINATES:
            sway = layer.get(name, Sway())
            sign = float(random.choice([-1.0, 1.0]))
            swings = [
                (random.uniform(*sway.amplitude), random.uniform(*sway.period), random.uniform(0, 2 * math.pi))
                for _ in range(sway.swings)
            ]
            self._terms[name] = sign * random.uniform(*sway.speed), swings

    def at(self, time: float) -> dict[str, float]:
        """Coordinate -> value at a time in frames, which may be negative."""
        return {
            name: speed * time + sum(a * math.sin(2 * math.pi * time / period + phase) for a, period, phase in swings)
            for name, (speed, swings) in self._terms.items()
        }


def placement(coordinates: Mapping[str, float], unit: float, centre: tuple[float, float]) -> Matrix:
    """The affine map of the frame's plane that a layer's coordinates stand for.

    Args:
        coordinates: of `Course.at`.
        unit: pixels in a 256th of the frame's shorter side.
        centre: x and y, in pixels, that rotation, zoom and turn leave where they are.

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
