"""Cameras and lights around a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmnet.arrays import F32Array

Vector = npt.NDArray[np.float64]

SIDE = 480  # of the longer side of an image, pixels
CUT = 0.25  # of the people are cut at the legs or the waist
LIGHTS = 4  # the key light and three that stand for the sky and the ground
Y_AXIS = 1


@dataclass(frozen=True)
class View:
    """A camera.

    Attributes:
        eye: where it is, [3].
        matrix: from the world to the clip space of OpenGL, [4, 4].
        height, width: of the image, pixels.
    """

    eye: Vector
    matrix: Vector
    height: int
    width: int


@dataclass(frozen=True)
class Lighting:
    """The light in a scene, linear.

    Attributes:
        directions: towards the lights, [LIGHTS, 3], unit vectors.
        powers: their colours, [LIGHTS, 3].
        ambient: the light from everywhere, [3].
        exposure: the mean brightness that the image is brought near to.
    """

    directions: Vector
    powers: Vector
    ambient: Vector
    exposure: float


def look_at(eye: Vector, target: Vector, roll: float = 0.0) -> Vector:
    """Return the matrix from the world to a camera that looks along its -z axis, [4, 4]; the roll is in radians."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    upwards = np.array([np.sin(roll), np.cos(roll), 0.0])
    if abs(forward @ upwards) > 0.99:  # straight up or down
        upwards = np.array([0.0, 0.0, 1.0])
    side = np.cross(forward, upwards)
    side /= np.linalg.norm(side)
    matrix = np.eye(4)
    matrix[:3, :3] = side, np.cross(side, forward), -forward
    matrix[:3, 3] = -matrix[:3, :3] @ eye
    return matrix


def middle_and_radius(positions: F32Array) -> tuple[Vector, float]:
    """Return the middle of the box around positions, and the radius of the ball around it that holds them all."""
    middle = np.asarray((positions.min(0) + positions.max(0)) / 2, np.float64)
    return middle, float(np.linalg.norm(positions - middle, axis=1).max())


def draw_view(positions: F32Array, random: np.random.Generator) -> View:
    """Draw a camera whose image is the box around a person, who faces it more often than not.

    Args:
        positions: float32 [N, 3], of the person's surface.
        random: of the draws.
    """
    yaw = np.deg2rad(random.normal(0, 45) if random.uniform() < 0.8 else random.uniform(-180, 180))
    pitch = np.deg2rad(np.clip(random.normal(4, 9), -20, 35))
    towards = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    middle, radius = middle_and_radius(positions)
    eye = middle + towards * radius / np.sin(np.deg2rad(random.uniform(14, 50)) / 2)
    view = look_at(eye, middle, np.deg2rad(random.normal(0, 3)))
    seen = np.c_[positions, np.ones(len(positions))] @ view.T
    x, y = seen[:, 0] / -seen[:, 2], seen[:, 1] / -seen[:, 2]
    left, right, lower, upper = x.min(), x.max(), y.min(), y.max()
    if random.uniform() < CUT:
        lower = upper - (upper - lower) * random.uniform(0.4, 0.85)
    scale = SIDE / max(right - left, upper - lower)
    near, far = radius * 0.2, radius * 40
    projection = np.array(
        [
            [2 / (right - left), 0, (right + left) / (right - left), 0],
            [0, 2 / (upper - lower), (upper + lower) / (upper - lower), 0],
            [0, 0, -(far + near) / (far - near), -2 * far * near / (far - near)],
            [0, 0, -1, 0],
        ]
    )
    height, width = (max(16, round((high - low) * scale)) for low, high in ((lower, upper), (left, right)))
    return View(eye, projection @ view, height, width)


def draw_lighting(eye: Vector, middle: Vector, random: np.random.Generator) -> Lighting:
    """Draw a key light, the light of a sky and what the ground reflects."""
    towards = (eye - middle) / np.linalg.norm(eye - middle)
    key = random.normal(size=3)
    key[Y_AXIS] = abs(key[Y_AXIS]) + 0.3
    directions = [key + towards * random.uniform(-0.5, 1.2)]
    powers = [random.uniform(0.3, 1.6) * (1 + random.normal(0, 0.08, 3))]
    sky = random.uniform(0.15, 0.45) * (1 + random.normal(0, 0.08, 3))
    for number in range(1, LIGHTS):
        ground = number == LIGHTS - 1
        direction = random.normal(size=3)
        direction[Y_AXIS] = -0.5 * abs(direction[Y_AXIS]) if ground else abs(direction[Y_AXIS])
        directions.append(direction)
        powers.append(sky * random.uniform(0.5, 1.3) * 1.6 * (0.4 if ground else 1))
    stacked = np.stack(directions)
    return Lighting(
        stacked / np.linalg.norm(stacked, axis=1, keepdims=True),
        np.maximum(np.stack(powers), 0),
        np.maximum(sky * random.uniform(0.2, 0.5), 0),
        random.uniform(0.07, 0.4),
    )
