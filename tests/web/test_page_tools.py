"""The page's tools: comparison, zoom, edits, other formats, many photos, other models, sharing."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from page_steps import choose, held, matte, open_details, open_page, save, until, write_image
from PIL import Image
from playwright.sync_api import Page, expect
from support import ROOT

import mmnet
from mmnet.runtime import PortraitMatter, read_photo
from mmnet.runtime.model import default_model
from mmnet.web.server import WebServer

pytestmark = pytest.mark.slow

ANNOUNCED = "#announcement"


@pytest.fixture
def small(portrait: np.ndarray) -> np.ndarray:
    """An image that is not square, of odd sides: uint8 [301, 257, 3]."""
    return np.ascontiguousarray(portrait[:301, 90:347])


def _download(page: Page, button: str) -> tuple[str, bytes]:
    """Press a button and return the name and the bytes of the file that is saved."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def _shown(page: Page) -> np.ndarray:
    """What the frame shows, int [H, W, 3]."""
    data = np.frombuffer(page.locator("#frame").screenshot(), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)).astype(int)


def _middle(page: Page) -> tuple[float, float]:
    box = page.locator("#frame").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_sample_is_compared_zoomed_and_moved(page: Page, served: WebServer) -> None:
    open_page(page, served)
    page.get_by_role("button", name="Try this photo").click()
    expect(page.get_by_role("img", name="astronaut.webp")).to_be_visible()
    choose(page, "Matte")
    page.get_by_role("button", name="Compare", exact=True).click()
    slider = page.get_by_role("slider", name="Compare")
    expect(slider).to_be_visible()
    until(page, "document.getElementById('original').width === 320")
    half = _shown(page)
    colourful = np.ptp(half, axis=-1) > 40  # the matte is grey
    centre = half.shape[1] // 2
    assert colourful[:, : centre - 25].mean() > 0.2
    assert colourful[:, centre + 25 :].mean() < 0.02
    slider.focus()
    page.keyboard.press("End")
    assert (np.ptp(_shown(page), axis=-1) > 40)[:, centre + 25 :].mean() > 0.05
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(slider).to_be_hidden()

    zoom = page.locator("#zoom")
    page.mouse.move(*_middle(page))
    page.mouse.wheel(0, -400)
    until(page, "parseInt(document.getElementById('zoom').textContent) > 200")
    before = page.locator("#view").bounding_box()
    page.mouse.down()
    page.mouse.move(*(each + 50 for each in _middle(page)))
    page.mouse.up()
    after = page.locator("#view").bounding_box()
    assert before is not None
    assert after is not None
    assert after["x"] - before["x"] == pytest.approx(50, abs=1)
    page.mouse.move(10, 10)
    page.locator("#frame").dblclick()
    expect(zoom).to_have_text("100 %")
    page.locator("#frame").dblclick()
    expect(zoom).to_have_text("300 %")
    page.locator("#frame").focus()
    page.keyboard.press("-")
    expect(zoom).to_have_text("240 %")
    left = page.evaluate("document.getElementById('view').getBoundingClientRect().left")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.getElementById('view').getBoundingClientRect().left") < left
    page.keyboard.press("0")
    expect(zoom).to_have_text("100 %")
    page.get_by_role("button", name="Zoom in").click()
    expect(zoom).to_have_text("125 %")
    zoom.click()
    expect(zoom).to_have_text("100 %")


def test_the_sample_is_one_person_and_nothing_else() -> None:
    photo = read_photo(ROOT / "web_demo" / "site" / "samples" / "astronaut.webp")
    with PortraitMatter(threads=1) as matter:
        alpha = matter(photo)
    count, _ = cv2.connectedComponents((alpha > 0.1).astype(np.uint8))
    assert count == 2  # the background and the person
    background = [alpha[:140, :60], alpha[:200, 280:]]  # with the edge of a flag, and of a model of a shuttle
    assert max(part.max() for part in background) < 0.1


def test_the_sample_background_is_named_once(page: Page, served: WebServer) -> None:
    open_page(page, served)
    choose(page, "Image")
    page.get_by_role("button", name="Sample image").click()
    expect(page.locator("#background-name")).to_have_text("Rocket launch")
    expect(page.get_by_text("Rocket launch", exact=True)).to_have_count(1)


def test_two_fingers_zoom(page: Page, served: WebServer) -> None:
    open_page(page, served)
    page.get_by_role("button", name="Try this photo").click()
    expect(page.get_by_role("img", name="astronaut.webp")).to_be_visible()
    session = page.context.new_cdp_session(page)
    x, y = _middle(page)
    touch = lambda kind, reach: session.send(  # noqa: E731
        "Input.dispatchTouchEvent",
        {"type": kind, "touchPoints": [{"x": x - reach, "y": y}, {"x": x + reach, "y": y}] if reach else []},
    )
    for kind, reach in [("touchStart", 40), ("touchMove", 60), ("touchMove", 80), ("touchMove", 100), ("touchEnd", 0)]:
        touch(kind, reach)
    until(page, "Math.abs(parseInt(document.getElementById('zoom').textContent) - 250) < 15")


def test_edges_and_brushes(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    open_page(page, served)
    matte(page, write_image(tmp_path / "me.png", small))
    untouched = save(page, tmp_path)[1]
    softness = page.get_by_role("slider", name="Softness")
    softness.fill("100")
    softer = save(page, tmp_path)[1][..., 3]
    softness.fill("-100")
    harder = save(page, tmp_path)[1][..., 3]
    partial = [((alpha > 0) & (alpha < 255)).mean() for alpha in (harder, untouched[..., 3], softer)]
    assert partial == sorted(partial)
    page.get_by_role("button", name="Reset").click()
    np.testing.assert_array_equal(save(page, tmp_path)[1], untouched)

    # A stroke with the mouse, and a dot with the keyboard.
    page.get_by_role("button", name="Restore brush").click()
    page.locator("#brush-size").fill("40")
    box = page.locator("#view").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 10, box["y"] + 10, steps=5)
    page.mouse.up()
    expect(page.get_by_text("1 stroke", exact=True)).to_be_visible()
    restored = save(page, tmp_path)[1][..., 3]
    assert (restored[2:8, 10:-10] == 255).all()
    np.testing.assert_array_equal(restored[60:], untouched[60:, ..., 3])

    page.get_by_role("button", name="Erase brush").click()
    page.locator("#frame").focus()
    for key in ("Space", "Shift+ArrowDown", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(page.get_by_text("4 strokes", exact=True)).to_be_visible()
    erased = save(page, tmp_path)[1][..., 3]
    assert erased[(erased != restored)].max() < 255
    assert (erased == 0).sum() > (restored == 0).sum() + 200
    for _ in range(3):
        page.keyboard.press("Control+z")
    np.testing.assert_array_equal(save(page, tmp_path)[1][..., 3], restored)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    np.testing.assert_array_equal(save(page, tmp_path)[1], untouched)
    page.locator("#frame").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Erase brush")).to_have_attribute("aria-pressed", "false")


def test_formats_and_blur(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    open_page(page, served)
    matte(page, write_image(tmp_path / "me.png", small))
    exact = save(page, tmp_path)[1]
    page.locator("#format").select_option("webp")
    name, webp = _download(page, "Save WebP")
    assert name == "me-cutout.webp"
    with Image.open(io.BytesIO(webp)) as image:
        assert image.format == "WEBP"
        assert np.abs(np.asarray(image.convert("RGBA"))[..., 3].astype(int) - exact[..., 3]).mean() < 3
    page.locator("#format").select_option("jpeg")
    expect(page.get_by_text("What is transparent becomes white.")).to_be_visible()
    name, jpeg = _download(page, "Save JPEG")
    assert name == "me-cutout.jpg"
    page.locator("#quality").fill("40")
    assert len(_download(page, "Save JPEG")[1]) < len(jpeg)
    with Image.open(io.BytesIO(jpeg)) as image:
        assert image.size == (257, 301)
        assert (np.asarray(image)[exact[..., 3] == 0] > 245).mean() > 0.95
    page.locator("#format").select_option("png")
    choose(page, "Blur")
    usual = save(page, tmp_path)[1]
    page.locator("#strength").fill("2")
    stronger = save(page, tmp_path)[1]
    assert (stronger != usual).any()
    page.locator("#strength").fill("0")
    np.testing.assert_array_equal(save(page, tmp_path)[1], usual)


def test_all_photos_are_saved_as_one_zip(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    (tmp_path / "more").mkdir()
    broken = tmp_path / "broken.png"
    broken.write_text("no image")
    first = write_image(tmp_path / "a.png", small)
    open_page(page, served)
    page.set_input_files("#file", [first, broken, write_image(tmp_path / "more" / "a.png", small[:200])])
    expect(page.get_by_role("img", name="a.png")).to_be_visible()
    single, shown = save(page, tmp_path)
    assert single == "a.png-cutout.png"  # as in the ZIP file: the list has two photos of this name
    name, content = _download(page, "Save all as ZIP")
    assert name == "mmnet-results.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.png-cutout.png", "a.png-cutout-2.png"]
        stored = cv2.imdecode(np.frombuffer(archive.read("a.png-cutout.png"), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(np.asarray(stored)[..., [2, 1, 0, 3]], shown)
    expect(page.locator("#list-status")).to_have_text("Saved 2 of 3 photos in mmnet-results.zip.")
    expect(page.get_by_role("listitem").nth(1)).to_contain_text("not an image")
    np.testing.assert_array_equal(save(page, tmp_path)[1], shown)  # what is shown has not changed
    with held(page, "renderPhoto"):
        page.get_by_role("button", name="Save all as ZIP").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Cancel")).to_be_focused()
        expect(page.locator("#list-status")).to_have_text("Photo 1 of 3")
        page.keyboard.press("Enter")
    expect(page.locator(ANNOUNCED)).to_have_text("Cancelled. Nothing was saved.")
    expect(page.get_by_role("button", name="Save all as ZIP")).to_be_focused()


def test_another_model(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    open_page(page, served)
    matte(page, write_image(tmp_path / "me.png", small))
    before = save(page, tmp_path)[1]
    open_details(page)
    note = tmp_path / "note.tflite"
    note.write_text("This is a note and no model.")
    page.set_input_files("#model-file", note)
    expect(page.get_by_role("alert")).to_contain_text("note.tflite was not used: This is not a .tflite file")
    model = default_model()
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(model[: len(model) // 3])
    page.set_input_files("#model-file", cut)
    expect(page.get_by_role("alert")).to_contain_text("cut.tflite was not used")
    np.testing.assert_array_equal(save(page, tmp_path)[1], before)  # the page goes on as it was
    good = tmp_path / "good.tflite"
    good.write_bytes(model)
    page.set_input_files("#model-file", good)
    expect(page.get_by_text("good.tflite, 256×256 pixels")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()
    np.testing.assert_array_equal(save(page, tmp_path)[1], before)
    page.get_by_role("button", name="Use the model of this page").click()
    expect(page.get_by_text("the model of this page, 256×256 pixels")).to_be_visible()
    np.testing.assert_array_equal(save(page, tmp_path)[1], before)


def test_a_model_of_another_input_size(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    model = mmnet.export_tflite("mmnet-1.0", size=192).save(tmp_path / "mmnet-192.tflite")
    with PortraitMatter(model, threads=1) as matter:
        expected = matter.photo(small).alpha_u8.values
    open_page(page, served)
    open_details(page)
    page.set_input_files("#model-file", model)
    expect(page.get_by_text("mmnet-192.tflite, 192×192 pixels")).to_be_visible()
    matte(page, write_image(tmp_path / "me.png", small))
    choose(page, "Matte")
    np.testing.assert_array_equal(save(page, tmp_path)[1], expected)


def test_sharing(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    page.add_init_script(
        """navigator.canShare = () => true;
           navigator.share = async ({files}) => { window.shared = files.map(({name, type}) => name + ' ' + type); };"""
    )
    open_page(page, served)
    matte(page, write_image(tmp_path / "me.png", small))
    page.get_by_role("button", name="Share").click()
    expect(page.locator(ANNOUNCED)).to_have_text("Shared me-cutout.png.")
    assert page.evaluate("window.shared") == ["me-cutout.png image/png"]
    page.evaluate("() => { navigator.share = async () => { throw new DOMException('', 'NotAllowedError'); }; }")
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_role("alert")).to_contain_text("did not allow the page to share")


def test_photos_come_from_other_apps(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    """Another app posts a form to the share target; a file handler hands files to the launch queue."""
    page.add_init_script(
        "const value = {setConsumer: (consumer) => (window.consume = consumer)};"
        "Object.defineProperty(window, 'launchQueue', {value});"
    )
    open_page(page, served)
    page.wait_for_selector("body[data-offline=ready]")
    manifest = json.loads(page.evaluate("fetch('app.webmanifest').then((response) => response.text())"))
    target = manifest["share_target"]
    content = base64.b64encode(write_image(tmp_path / "it.png", small).read_bytes()).decode()
    page.evaluate(
        """() => {
          window.photo = (content, name) =>
            new File([Uint8Array.from(atob(content), (each) => each.charCodeAt(0))], name, {type: 'image/png'});
        }"""
    )
    landed = page.evaluate(
        """async ([target, content]) => {
          const form = new FormData();
          form.append(target.params.files[0].name, photo(content, 'holiday 1.png'));
          const response = await fetch(target.action, {method: target.method, body: form, redirect: 'manual'});
          return response.type;
        }""",
        [target, content],
    )
    assert landed == "opaqueredirect"
    page.goto(f"{served.url}?shared")
    expect(page.get_by_role("img", name="holiday 1.png")).to_be_visible()
    assert page.url == served.url
    assert not page.evaluate("caches.has('mmnet-shared')")
    page.evaluate(
        """(content) => {
          const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
          const file = new File([bytes], 'opened.png', {type: 'image/png'});
          window.consume({files: [{getFile: async () => file}]});
        }""",
        content,
    )
    expect(page.get_by_role("img", name="opened.png")).to_be_visible()
