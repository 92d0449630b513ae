"""Quaternions, and a body that follows its bones (linear blend skinning)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from mmnet.arrays import F32Array

from .makehuman import Garment, Library

Quaternion = npt.NDArray[np.float64]  # x, y, z, w
Pose = Mapping[str, Quaternion]  # bone -> its turn in axes of the world

UNTURNED: Quaternion = np.asarray([0.0, 0.0, 0.0, 1.0])
X, Y, Z = np.eye(3)


def turn(axis: npt.ArrayLike, degrees: float) -> Quaternion:
    """Return the quaternion of a turn about an axis."""
    direction = np.asarray(axis, np.float64)
    half = np.deg2rad(degrees) / 2
    return np.asarray([*(direction / np.linalg.norm(direction) * np.sin(half)), np.cos(half)])


def multiply(second: Quaternion, first: Quaternion) -> Quaternion:
    """Return the quaternion of one turn after another."""
    vector = second[3] * first[:3] + first[3] * second[:3] + np.cross(second[:3], first[:3])
    return np.asarray([*vector, second[3] * first[3] - second[:3] @ first[:3]])


def blend(one: Sequence[float] | Quaternion, other: Sequence[float] | Quaternion, share: float) -> Quaternion:
    """Return a turn between two: normalized linear interpolation along the shorter way."""
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    mixed = (1 - share) * a + share * (-b if a @ b < 0 else b)
    return np.asarray(mixed / np.linalg.norm(mixed))


def matrix(quaternion: Quaternion) -> npt.NDArray[np.float64]:
    """Return the rotation matrix of a quaternion, [3, 3]."""
    x, y, z, w = quaternion / np.linalg.norm(quaternion)
    return np.asarray(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def bone_transforms(library: Library, vertices: F32Array, pose: Pose) -> F32Array:
    """Return where a pose takes each bone of a body: float32 [bones, 3, 4]."""
    order = {name: at for at, name in enumerate(library.parents)}
    transforms = np.zeros((len(order), 3, 4), np.float32)
    for name, parent in library.parents.items():
        head = vertices[library.joints[f"{name}____head"]].mean(0)
        rotation = matrix(pose.get(name, UNTURNED))
        own = np.concatenate([rotation, (head - rotation @ head)[:, None]], 1)
        if parent is not None:
            above = transforms[order[parent]]
            own = np.concatenate([above[:, :3] @ own[:, :3], above[:, :3] @ own[:, 3:] + above[:, 3:]], 1)
        transforms[order[name]] = own
    return transforms


def skinned(vertices: F32Array, weights: F32Array, transforms: F32Array) -> F32Array:
    """Return vertices that follow bones.

    Args:
        vertices: float32 [V, 3], at rest.
        weights: float32 [V, bones].
        transforms: of `bone_transforms`.
    """
    own = (weights @ transforms.reshape(len(transforms), 12)).reshape(-1, 3, 4)
    return np.asarray(np.einsum("nij,nj->ni", own[:, :, :3], vertices) + own[:, :, 3], np.float32)


def fitted(garment: Garment, library: Library, vertices: F32Array) -> tuple[F32Array, F32Array]:
    """Fit something to a body at rest.

    Returns:
        Its vertices, float32 [V, 3], and how far they follow the bones, float32 [V, bones].
    """
    shares = garment.weights[:, :, None]
    place = (shares * vertices[garment.references]).sum(1) + garment.offsets
    skin = np.maximum((shares * library.skin[garment.references]).sum(1), 0)
    return np.asarray(place, np.float32), np.asarray(skin / np.maximum(skin.sum(1, keepdims=True), 1e-6), np.float32)
