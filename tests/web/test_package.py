"""The npm package, installed in a fresh folder, computes Python's bytes: in node, and bundled in Chromium."""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from page_server import serving
from page_steps import until
from playwright.sync_api import Page
from support import PATIENCE, ROOT

from mmnet.runtime import PortraitMatter, box_blurred_background, composite
from mmnet.runtime.fullres import cutout
from mmnet.web.content import Asset

ESBUILD = "esbuild@0.25.12"
TYPESCRIPT = "typescript@5.9.3"
TYPES = {".js": "text/javascript", ".wasm": "application/wasm", ".html": "text/html"}

# The same steps in node and in Chromium: a photo, its composites, and two frames of a video.
STEPS = """
export async function run(createMatter, source, options) {
  const matter = await createMatter(options);
  const matte = await matter.matte(source);
  const pixels = [];
  for (const background of ['transparent', 'blur', [10, 200, 30]]) {
    pixels.push((await matte.composite(background)).data);
  }
  const frames = [await matter.frame(source), await matter.frame(source, {mirrored: true})];
  const {size} = matter;
  const {width, height, nobody, seen} = matte;
  matter.dispose();
  const failure = await matter.matte(source).catch((error) => error.message);
  const about = {size, width, height, nobody, seen: seen.length, failure};
  return {about, arrays: [matte.alpha, ...pixels, ...frames.map(({alpha}) => alpha)]};
}
"""

IN_NODE = """
import {readFileSync, writeFileSync} from 'node:fs';
import {createMatter} from 'mmnet-matting';
import {run} from './steps.mjs';
const [width, height] = process.argv.slice(2).map(Number);
const {about, arrays} = await run(createMatter, {data: readFileSync('photo.rgba'), width, height});
arrays.forEach((array, index) => writeFileSync(`${index}.bin`, array));
const broken = await createMatter({model: new Uint8Array(100)}).catch((error) => error.message);
const named = await createMatter({model: 'mine.tflite'}).catch((error) => error.message);
const matter = await createMatter();
const nothing = await matter.matte({width: 3, height: 2}).catch((error) => error.message);
matter.dispose();
console.log(JSON.stringify({...about, broken, named, nothing, self: typeof self}));
"""

IN_BROWSER = """
import {createMatter} from 'mmnet-matting';
import {run} from './steps.mjs';
window.matteImage = async (content, kind) => {
  const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], {type: 'image/png'}));
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', {willReadFrequently: true});
  context.drawImage(bitmap, 0, 0);
  const sources = {
    bitmap: () => bitmap,
    data: () => context.getImageData(0, 0, bitmap.width, bitmap.height),
    frame: () => new VideoFrame(bitmap, {timestamp: 0}),
  };
  const source = sources[kind]();
  const {about, arrays} = await run(createMatter, source, {base: '/mmnet-matting/'});
  const text = (array) => {
    let characters = '';
    for (const byte of array) characters += String.fromCharCode(byte);
    return btoa(characters);
  };
  return {about, arrays: arrays.map(text), usable: source.width > 0 || source.displayWidth > 0};
};
document.body.dataset.ready = 'yes';
"""


# What the package's README shows, and the other calls.
TYPED = """
import {createMatter, type Background, type Matte} from 'mmnet-matting';
const matter = await createMatter({threads: 2, base: new URL('https://example.org/')});
const matte: Matte = await matter.matte(await createImageBitmap(new Blob()));
const {data, width, height} = await matte.composite('blur');
const image = new ImageData(data, width, height);
const backgrounds: Background[] = ['transparent', {blur: 2}, [1, 2, 3], {image}];
for (const background of backgrounds) await matte.composite(background);
await matter.frame(new VideoFrame(document.createElement('canvas')), {mirrored: true});
await matter.matte({data: new Uint8Array(4), width: 1, height: 1});
// @ts-expect-error: there is no such background.
await matte.composite('sharp');
matter.dispose();
"""


def _run(folder: Path, *command: str | Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("npm_package", ROOT / "tools" / "npm_package.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def test_the_package_has_every_module_and_replaces_itself_alone(tmp_path: Path) -> None:
    tool = _tool()
    package = tool.assemble(tmp_path)
    for name in ("index.js", "node.js", "index.d.ts", "worker.js", "engine/session.js", "core/core.wasm"):
        assert (package / name).is_file()
    imported = re.compile(r"(?:from|import\()\s*'(\.{1,2}/[^']+)'")
    for module in package.rglob("*.js"):
        for name in imported.findall(module.read_text("utf-8")):
            assert (module.parent / name).is_file(), f"{module} imports {name}"
    (package / "left.txt").touch()
    assert not (tool.assemble(tmp_path) / "left.txt").exists()
    shutil.rmtree(package)
    package.mkdir()
    (package / "work.js").touch()  # of somebody's own project
    with pytest.raises(SystemExit, match="holds something other than this package"):
        tool.assemble(tmp_path)
    assert (package / "work.js").exists()


WRONG_ARGUMENTS = """
import {RemoteMatter} from './matter-api.js';
const answer = async () => ({alpha: new Uint8Array(1), width: 1, height: 1, pixels: new Uint8Array(4)});
const matter = new RemoteMatter(answer, 256, () => {});
const messages = {};
const pixels = {data: new Uint8Array(4), width: 1, height: 1};
const tell = (error) => `${error.name}: ${error.message}`;
for (const source of ['foo', null, undefined, Promise.resolve(), {data: [0, 0, 0, 0], width: 1, height: 1}]) {
  for (const method of ['matte', 'frame']) {
    messages[`${method} ${String(source)}`] = await matter[method](source).then(() => 'taken', tell);
  }
}
const matte = await matter.matte(pixels);
for (const background of ['red', {image: 'me.png'}, [1, 2], [1, 2, NaN]]) {
  messages[JSON.stringify(background)] = await matte.composite(background).then(() => 'taken', tell);
}
for (const background of ['blur', [1, 2, 3], new Uint8Array(3), {image: pixels}]) await matte.composite(background);
console.log(JSON.stringify(messages));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="NO NODE: the messages of the npm package were NOT tested")
def test_a_wrong_argument_is_a_type_error_that_says_what_is_taken() -> None:
    told = json.loads(_run(ROOT / "web_demo" / "npm", "node", "--input-type=module", "--eval", WRONG_ARGUMENTS))
    taken = "() takes an ImageBitmap, an ImageData, a VideoFrame or {data, width, height} with RGBA bytes; got "
    for source, kind in {
        "foo": "String",
        "null": "Null",
        "undefined": "Undefined",
        "[object Promise]": "Promise",
        "[object Object]": "{data: Array, width: Number, height: Number}",
    }.items():
        for method in ("matte", "frame"):
            assert told.pop(f"{method} {source}").startswith(f"TypeError: {method}{taken}{kind}. ")
    assert len(told) == 4
    assert {message.partition(" is ")[0] for message in told.values()} == {"TypeError: a background"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh folder in which the packed package is installed."""
    if shutil.which("npm") is None:
        pytest.skip("NO NPM: the npm package was NOT tested; install npm")
    tool = _tool()
    folder = tmp_path_factory.mktemp("package")
    archive = tool.pack(tool.assemble(folder / "built"))
    user = folder / "user"
    user.mkdir()
    (user / "package.json").write_text('{"name": "user", "private": true, "type": "module"}')
    _run(user, "npm", "install", "--silent", "--offline", "--no-audit", "--no-fund", archive)
    (user / "steps.mjs").write_text(STEPS)
    return user


@pytest.fixture(scope="module")
def image(portrait: np.ndarray) -> np.ndarray:
    """An image of odd sides: uint8 [301, 257, 3]."""
    return np.ascontiguousarray(portrait[:301, 90:347])


@pytest.fixture(scope="module")
def expected(image: np.ndarray) -> list[np.ndarray]:
    """What Python computes: the alpha, the cut-out, and the composites over a blur and a colour."""
    with PortraitMatter(threads=1) as matter:
        alpha = matter.photo(image).alpha_u8.values
    share = alpha / np.float32(255)
    over = [
        composite(image, share, background, estimate_foreground=True)
        for background in (box_blurred_background(image, alpha), (10, 200, 30))
    ]
    return [alpha, cutout(image, share, estimate_foreground=True), *over]


def _check(about: dict[str, object], arrays: list[bytes], expected: list[np.ndarray]) -> None:
    height, width = expected[0].shape
    assert about["size"] == 256
    assert (about["width"], about["height"], about["nobody"], about["seen"]) == (width, height, False, 1)
    assert "disposed" in str(about["failure"])
    found = [np.frombuffer(array, np.uint8).reshape(height, width, -1) for array in arrays]
    np.testing.assert_array_equal(found[0][..., 0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
    for pixels, want in zip(found[2:4], expected[2:], strict=True):
        np.testing.assert_array_equal(pixels[..., :3], want)
        assert (pixels[..., 3] == 255).all()
    assert np.abs(found[4][..., 0].astype(int) - found[5][:, ::-1, 0]).mean() < 6  # the second frame is mirrored


@pytest.mark.slow
def test_in_node(installed: Path, image: np.ndarray, expected: list[np.ndarray]) -> None:
    height, width = image.shape[:2]
    opaque = np.full((height, width, 1), 255, np.uint8)
    (installed / "photo.rgba").write_bytes(np.concatenate([image, opaque], axis=2).tobytes())
    (installed / "main.mjs").write_text(IN_NODE)
    about = json.loads(_run(installed, "node", "main.mjs", str(width), str(height)))  # nothing else is printed
    assert about["self"] == "undefined"  # the names of a worker are gone
    assert "not a .tflite file" in about["broken"]
    assert about["named"].startswith("model takes the bytes of a .tflite file as a Uint8Array; got String.")
    assert "got {data: Undefined, width: Number, height: Number}" in about["nothing"]
    _check(about, [(installed / f"{index}.bin").read_bytes() for index in range(6)], expected)


def _install(folder: Path, tool: str, untested: str) -> None:
    """Install a tool beside the package, or skip the test."""
    done = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", tool],
        cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"NO {tool}: {untested}: {done.stderr.strip()[-200:]}")


@pytest.mark.slow
def test_types(installed: Path) -> None:
    _install(installed, TYPESCRIPT, "the types of the npm package were NOT checked")
    (installed / "typed.ts").write_text(TYPED)
    options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"]
    _run(installed, "node_modules/.bin/tsc", *options, "typed.ts")


@pytest.mark.slow
def test_bundled_in_chromium(
    page: Page, installed: Path, image: np.ndarray, expected: list[np.ndarray], png: bytes
) -> None:
    _install(installed, ESBUILD, "the npm package was NOT tested with a bundler")
    (installed / "app.mjs").write_text(IN_BROWSER)
    _run(installed, "node_modules/.bin/esbuild", "app.mjs", "--bundle", "--format=esm", "--outfile=app.js")
    package = installed / "node_modules" / "mmnet-matting"
    files = {f"mmnet-matting/{path.relative_to(package)}": path for path in package.rglob("*") if path.is_file()}
    assets = {
        name: Asset(path.read_bytes(), TYPES.get(path.suffix, "application/octet-stream"))
        for name, path in {**files, "app.js": installed / "app.js"}.items()
    }
    html = b'<!doctype html><title>user</title><body><script type="module" src="app.js"></script>'
    assets[""] = Asset(html, TYPES[".html"])
    assets["favicon.ico"] = Asset(png, "image/png")
    with serving(assets) as server:
        page.goto(server.url)
        page.wait_for_selector("body[data-ready]", state="attached")
        for kind in ("bitmap", "data", "frame"):
            found = page.evaluate(
                "([content, kind]) => matteImage(content, kind)", [base64.b64encode(png).decode(), kind]
            )
            assert found["usable"]
            _check(found["about"], [base64.b64decode(array) for array in found["arrays"]], expected)


@pytest.mark.slow
def test_the_page_of_the_guide(page: Page, tmp_path: Path, image: np.ndarray, png: bytes) -> None:
    guide = (ROOT / "docs" / "guides" / "web.md").read_text(encoding="utf-8")
    (html,) = re.findall(r"^```html\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    package = _tool().assemble(tmp_path)
    assets = {
        str(path.relative_to(tmp_path)): Asset(path.read_bytes(), TYPES.get(path.suffix, "application/octet-stream"))
        for path in package.rglob("*")
        if path.is_file()
    }
    start, script, _ = re.split(r"<script type=\"module\">|</script>", html)
    assets[""] = Asset(f'{start}<script type="module" src="app.js"></script>'.encode(), TYPES[".html"])
    assets["app.js"] = Asset(script.encode(), TYPES[".js"])  # the server's headers forbid scripts inside of pages
    assets["favicon.ico"] = Asset(png, "image/png")
    with serving(assets) as server:
        page.goto(server.url)
        until(page, "document.querySelector('input').onchange !== null")
        page.set_input_files("input", {"name": "me.png", "mimeType": "image/png", "buffer": png})
        until(page, f"document.querySelector('canvas').width === {image.shape[1]}")
        corner = "document.querySelector('canvas').getContext('2d').getImageData(0, 0, 1, 1).data[3]"
        until(page, f"{corner} === 255")


@pytest.fixture(scope="module")
def png(image: np.ndarray) -> bytes:
    """The image as a PNG file."""
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()
