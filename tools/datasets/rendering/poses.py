"""Poses: everyday ones, drawn joint by joint, and MakeHuman's, mixed and varied."""

from __future__ import annotations

import numpy as np

from .makehuman import Library
from .skeleton import UNTURNED, Pose, Quaternion, X, Y, Z, blend, multiply, turn

EVERYDAY = 0.5  # of all poses are drawn joint by joint
STANDING = [
    *(f"standing{number:02d}" for number in range(1, 7)),
    *(f"Harvey_StandingFashion{number}" for number in (1, 2, 3)),
    "akimbo01",
    "Harvey_IDunno",
    "Harvey_selfie1",
]
SITTING = ["sit01", "sitting", "Harvey_sittingfashion1", "Harvey_SittingFashion2", "sit_on_ground01"]
ACTIVE = [
    "run01",
    *(f"fight{number:02d}" for number in range(1, 5)),
    *(f"Harvey_{name}" for name in ("Fightpose1", "Fightpose2", "Super1", "Super2")),
    "gym01",
    "genuflect01",
    "fly01",
    "fly02",
    "lie_pensive_01",
]
SHARES = (0.55, 0.2, 0.25)  # of the three above among MakeHuman's poses
# Standard deviation of what MakeHuman's poses are varied by, in degrees.
VARIATION = {
    "upperarm01": 14,
    "lowerarm01": 16,
    "upperleg01": 7,
    "lowerleg01": 7,
    "spine03": 4,
    "spine01": 4,
    "neck02": 6,
    "head": 9,
    "wrist": 10,
    "clavicle": 3,
    "foot": 5,
}


def _everyday_pose(random: np.random.Generator) -> Pose:
    """Draw someone who stands, walks or sits upright, with any arms."""
    pose: dict[str, Quaternion] = {}
    sits = random.uniform() < 0.22
    stride = 0.0 if random.uniform() < 0.45 else random.uniform(5, 32)
    front = random.choice(["L", "R"])
    for side, sign in (("L", 1), ("R", -1)):
        lowered = random.uniform(12, 50) if random.uniform() < 0.8 else random.uniform(-60, 20)
        pose[f"upperarm01.{side}"] = multiply(turn(X, random.normal(-4, 18)), turn(Z, -sign * lowered))
        bent = random.gamma(2, 12) if random.uniform() < 0.72 else random.uniform(30, 115)
        pose[f"lowerarm01.{side}"] = multiply(turn(Y, -sign * random.uniform(-10, 50)), turn(X, -bent))
        spread = sign * random.normal(2, 5)
        if sits:
            raised = turn(X, -random.uniform(60, 95))
            pose[f"upperleg01.{side}"] = multiply(turn(Y, sign * random.normal(8, 10)), raised)
            pose[f"lowerleg01.{side}"] = turn(X, random.uniform(45, 105))
        else:
            swing = stride * (-1 if side == front else 0.8) + random.normal(0, 3)
            pose[f"upperleg01.{side}"] = multiply(turn(Z, spread), turn(X, swing))
            behind = 0 if side == front else stride * random.uniform(0.3, 1.2)
            pose[f"lowerleg01.{side}"] = turn(X, abs(random.normal(0, 5)) + behind)
        pose[f"wrist.{side}"] = turn(random.normal(size=3), random.normal(0, 15))
    for bone in ("spine01", "spine02", "spine03"):
        pose[bone] = multiply(turn(Y, random.normal(0, 5)), turn(X, random.normal(1.5, 3)))
    pose["neck02"] = multiply(turn(Y, random.normal(0, 12)), turn(X, random.normal(2, 6)))
    nod = multiply(turn(X, random.normal(3, 8)), turn(Z, random.normal(0, 5)))
    pose["head"] = multiply(turn(Y, random.normal(0, 14)), nod)
    return pose


def draw_pose(library: Library, random: np.random.Generator) -> Pose:
    """Draw a pose."""
    if random.uniform() < EVERYDAY:
        return _everyday_pose(random)
    group = random.choice(3, p=SHARES)
    one, other = (library.poses[name] for name in random.choice((STANDING, SITTING, ACTIVE)[group], 2))
    share = random.uniform(0, 1) ** 2 if group == 0 else random.uniform(0, 0.15)
    rest = (0.0, 0.0, 0.0, 1.0)
    pose = {bone: blend(one.get(bone) or rest, other.get(bone) or rest, share) for bone in library.parents}
    if group == 0 and random.uniform() < 0.25:  # towards the pose at rest
        straight = 0.6 * random.uniform(0.3, 1)
        pose = {bone: blend(quaternion, UNTURNED, straight) for bone, quaternion in pose.items()}
    for bone in library.parents:
        degrees = VARIATION.get(bone.split(".")[0])
        if degrees:
            pose[bone] = multiply(turn(random.normal(size=3), random.normal(0, degrees)), pose[bone])
    return pose
