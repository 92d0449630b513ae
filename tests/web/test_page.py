"""The page in a real Chromium, used as people use it, computes what Python computes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import astuple
from pathlib import Path

import cv2
import numpy as np
import pytest
from colour_profiles import ADOBE_RGB
from page_server import serving
from page_steps import choose, matte, open_details, open_page, save, until, write_image
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FileChooser, Page, expect
from support import PATIENCE

from mmnet.runtime import (
    PortraitMatter,
    Rectangle,
    TemporalSmoother,
    box_blurred_background,
    composite,
    find_crops,
    read_photo,
    to_model_input,
)
from mmnet.runtime.fullres import Upsampling, alpha_u8_of, cutout
from mmnet.runtime.fullres.placing import AlphaPart, upsample_placed
from mmnet.runtime.imaging import Placement
from mmnet.web.content import Asset
from mmnet.web.server import WebServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def matter():
    """The matter of the Python runtime, with the model of the page."""
    with PortraitMatter(threads=1) as loaded:
        yield loaded


@pytest.fixture
def small(portrait: np.ndarray) -> np.ndarray:
    """An image that is not square, of odd sides: uint8 [301, 257, 3]."""
    return np.ascontiguousarray(portrait[:301, 90:347])


def _alpha(matter: PortraitMatter, image: np.ndarray, seen: Rectangle | None = None) -> np.ndarray:
    """The alpha of an image of which the network saw a rectangle last; that of a photo, if there is none."""
    (height, width), size = image.shape[:2], matter.model.size
    crops = [seen] if seen else find_crops(matter.alpha_bytes(image), height, width)
    parts = []
    for crop in crops or [Rectangle(0, 0, height, width)]:
        model_input = to_model_input(image[crop.slices], size)
        alpha = np.asarray(matter.model.run(model_input) / np.float32(255), np.float32)
        parts.append(AlphaPart(alpha, Placement.of_crop(crop, size), model_input))
    upsampled = upsample_placed(parts, image, Upsampling.GUIDED)
    return alpha_u8_of(image, upsampled).values


def _cutout(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The cut-out of an image: uint8 [H, W, 4]."""
    return cutout(image, alpha / np.float32(255), estimate_foreground=True)


def _composite(image: np.ndarray, alpha: np.ndarray, background: object) -> np.ndarray:
    """The composite of an image over a background, with the estimated foreground."""
    return composite(image, alpha / np.float32(255), background, estimate_foreground=True)


class _SmootherOfBytes(TemporalSmoother):
    """Temporal smoothing as devices do it: of alphas in bytes. The library's own alphas have 16 bits."""

    def __call__(self, alpha: np.ndarray, frame: np.ndarray) -> np.ndarray:
        smoothed = super().__call__(np.rint(alpha * np.float32(255)).astype(np.uint8), frame)
        return np.asarray(smoothed / np.float32(255), np.float32)


def _record(page: Page) -> None:
    """Keep what the page sends to its worker: the image of a cut-out can't be told from the cut-out."""
    page.add_init_script(
        """{
          const send = Worker.prototype.postMessage;
          window.on_their_way = new Set();  // the frames that the worker has not answered
          const heard = new WeakSet();
          Worker.prototype.postMessage = function (data, transfer) {
            if (!heard.has(this)) this.addEventListener('message', (answer) => on_their_way.delete(answer.data.id));
            heard.add(this);
            if (data.kind === 'matteFrame') on_their_way.add(data.id);
            if (data.kind === 'mattePhoto') window.sent = {blob: data.blob, mirrored: false};
            if (data.kind === 'matteFrame') {
              const {width, height} = data.bitmap;
              const context = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
              context.drawImage(data.bitmap, 0, 0);
              window.sent = {context, width, height, mirrored: data.mirrored};
              (window.frames_sent ??= []).push(window.sent);
            }
            return send.call(this, data, transfer);
          };
        }"""
    )


def _sent(page: Page, frame: int | None = None) -> np.ndarray:
    """An image that the page sent to its worker, as browsers decode it: uint8 [H, W, 3].

    It is the latest one, or that frame of the camera.
    """
    height, width, mirrored, text = page.evaluate(
        """async (frame) => {
          let {context, blob, width, height, mirrored} = frame === null ? window.sent : window.frames_sent[frame];
          if (blob) {
            const bitmap = await createImageBitmap(blob, {premultiplyAlpha: 'none'});
            ({width, height} = bitmap);
            context = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
            context.fillStyle = '#fff';
            context.fillRect(0, 0, width, height);
            context.drawImage(bitmap, 0, 0);
          }
          const bytes = context.getImageData(0, 0, width, height).data;
          let text = '';
          for (const byte of bytes) text += String.fromCharCode(byte);
          return [height, width, mirrored, btoa(text)];
        }""",
        frame,
    )
    image = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3]
    return np.ascontiguousarray(image[:, ::-1] if mirrored else image)


def _compat(page: Page) -> None:
    page.add_init_script("Object.defineProperty(self, 'crossOriginIsolated', {value: false})")


def test_it_opens_isolated_and_without_warnings(page: Page, served: WebServer) -> None:
    open_page(page, served)
    assert page.evaluate("crossOriginIsolated")
    assert page.get_attribute("body", "data-ready") == "threaded"
    expect(page.get_by_role("status")).to_contain_text("Ready")
    expect(page.get_by_role("button", name="Save PNG")).to_be_disabled()


@pytest.mark.parametrize("build", ["threaded", "compat"])
def test_a_photos_alpha_is_pythons_byte_for_byte(
    page: Page, served: WebServer, tmp_path: Path, portrait: np.ndarray, small: np.ndarray, matter, build: str
) -> None:
    if build == "compat":
        _compat(page)
    open_page(page, served)
    assert page.get_attribute("body", "data-ready") == build
    # The model's own size, at which its alpha is saved as it is; and larger, smaller, odd.
    far = np.full((500, 900, 3), 150, np.uint8)
    far[300:, 200:400] = cv2.resize(portrait, (200, 200), interpolation=cv2.INTER_AREA)
    apart = np.concatenate([far, far[:, ::-1]], axis=1)
    images = {"own": portrait[:256, 100:356], "whole": portrait, "odd": small, "far": far, "apart": apart}
    for name, image in images.items():
        photo = write_image(tmp_path / f"{name}.png", image)
        matte(page, photo)
        saved_as, saved = save(page, tmp_path)
        assert saved_as == f"{name}-cutout.png"
        np.testing.assert_array_equal(saved, _cutout(image, _alpha(matter, image)))
        np.testing.assert_array_equal(saved[..., 3], matter.photo(image).alpha_u8.values)
    assert _alpha(matter, portrait).std() > 50  # a person was there to be found
    assert len(find_crops(matter.alpha_bytes(far), 500, 900)) == 1  # and was seen twice where it is small
    crops = find_crops(matter.alpha_bytes(apart), 500, 1800)
    assert len(crops) == 2  # and each of two who stand apart
    assert page.get_attribute("#canvas", "data-seen") == ", ".join(
        f"{crop.top} {crop.left} {crop.height} {crop.width}" for crop in crops
    )


def test_backgrounds_are_pythons_byte_for_byte(
    page: Page, served: WebServer, tmp_path: Path, small: np.ndarray, matter
) -> None:
    alpha = _alpha(matter, small)
    open_page(page, served)
    choose(page, "Blur")  # before there is an image
    matte(page, write_image(tmp_path / "me.png", small))
    name, saved = save(page, tmp_path)
    assert name == "me-composite.png"
    np.testing.assert_array_equal(saved[..., :3], _composite(small, alpha, box_blurred_background(small, alpha)))
    assert (saved[..., 3] == 255).all()

    choose(page, "Colour")
    page.get_by_role("button", name="Blue").click()
    np.testing.assert_array_equal(save(page, tmp_path)[1][..., :3], _composite(small, alpha, (0x3D, 0x7D, 0xD8)))

    choose(page, "Matte")
    name, saved = save(page, tmp_path)
    assert name == "me-alpha.png"
    np.testing.assert_array_equal(saved, alpha)  # one channel

    choose(page, "Image")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose an image").click()
    scene = np.random.default_rng(0).integers(0, 256, (*small.shape[:2], 3), np.uint8)
    chooser.value.set_files(write_image(tmp_path / "scene.png", scene))
    expect(page.get_by_text("scene.png", exact=True)).to_be_visible()
    np.testing.assert_array_equal(save(page, tmp_path)[1][..., :3], _composite(small, alpha, scene))


def test_a_line_says_that_nobody_was_found(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    open_page(page, served)
    line = page.get_by_text("Nobody found in this image")
    expect(line).to_be_hidden()
    matte(page, write_image(tmp_path / "wall.png", np.full((90, 120, 3), 128, np.uint8)))
    expect(line).to_be_visible()
    matte(page, write_image(tmp_path / "me.png", small))
    expect(line).to_be_hidden()


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_an_image_can_be_dropped_and_pasted(
    page: Page, served: WebServer, tmp_path: Path, small: np.ndarray, matter, how: str
) -> None:
    content = base64.b64encode(write_image(tmp_path / "it.png", small).read_bytes()).decode()
    open_page(page, served)
    page.evaluate(
        """([content, how]) => {
          const data = new DataTransfer();
          const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
          data.items.add(new File([bytes], 'it.png', {type: 'image/png'}));
          document.body.dispatchEvent(how === 'drop'
            ? new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})
            : new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
        }""",
        [content, how],
    )
    expect(page.get_by_role("img", name="it.png")).to_be_visible()
    np.testing.assert_array_equal(save(page, tmp_path)[1][..., 3], _alpha(matter, small))


def test_photos_are_upright_and_transparency_is_white(
    page: Page, served: WebServer, tmp_path: Path, small: np.ndarray, matter
) -> None:
    _record(page)
    open_page(page, served)
    # A quarter turn by EXIF. Decoders of JPEG may differ by a few levels: the alpha is that of the page's own pixels.
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    jpeg = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    turned = tmp_path / "turned.jpg"
    turned.write_bytes(jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:])
    matte(page, turned)
    saved = save(page, tmp_path)[1]
    expected = read_photo(turned)
    assert saved.shape[:2] == expected.shape[:2] == (257, 301)
    image = _sent(page)
    assert np.abs(image.astype(int) - expected).mean() < 1
    np.testing.assert_array_equal(saved, _cutout(image, _alpha(matter, image)))

    see_through = tmp_path / "see-through.png"
    levels = np.random.default_rng(0).choice(np.array([0, 90, 255], np.uint8), small.shape[:2])
    assert cv2.imwrite(str(see_through), np.dstack([small[..., ::-1], levels]))
    matte(page, see_through)
    saved = save(page, tmp_path)[1]
    image = _sent(page)
    assert np.abs(image.astype(int) - read_photo(see_through)).max() <= 2
    np.testing.assert_array_equal(saved, _cutout(image, _alpha(matter, image)))


def test_the_colour_profile_of_a_photo_is_applied(
    page: Page, served: WebServer, tmp_path: Path, small: np.ndarray
) -> None:
    open_page(page, served)
    photo = tmp_path / "wide.png"
    Image.fromarray(small).save(photo, icc_profile=ADOBE_RGB)
    assert np.abs(read_photo(photo).astype(int) - small).mean() > 3
    matte(page, photo)
    saved = save(page, tmp_path)[1]
    own = saved[..., 3] % 255 == 0  # elsewhere the foreground's colours are estimated
    assert own.mean() > 0.5
    assert np.abs(saved[..., :3].astype(int) - read_photo(photo))[own].max() <= 2


def test_a_large_photo_is_saved_at_its_own_size(page: Page, served: WebServer, tmp_path: Path, matter) -> None:
    """The photo is larger than the preview and is read in several bands of rows."""
    steps = np.linspace(0, 255, 2500).astype(np.uint8)
    image = np.dstack(np.broadcast_arrays(steps[:, None], steps[None, :1900], np.uint8(90)))
    open_page(page, served)
    matte(page, write_image(tmp_path / "large.png", image))
    saved = save(page, tmp_path)[1]
    np.testing.assert_array_equal(saved, _cutout(image, _alpha(matter, image)))


def test_a_file_that_is_no_image_is_reported(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    note = tmp_path / "note.png"
    note.write_text("no image")
    open_page(page, served)
    page.set_input_files("#file", note)
    expect(page.get_by_role("alert")).to_contain_text("not an image")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    matte(page, write_image(tmp_path / "me.png", small))
    expect(page.get_by_role("alert")).to_be_hidden()


def test_times_are_distributions(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    open_page(page, served)
    matte(page, write_image(tmp_path / "me.png", small))
    expect(page.get_by_text("One run.")).to_be_hidden()
    open_details(page)
    expect(page.get_by_text("One run.")).to_be_visible()
    page.get_by_role("button", name="Measure 50 runs").click()
    expect(page.get_by_text("The last 50 runs.")).to_be_visible()
    rows = page.get_by_role("table").get_by_role("row").all_inner_texts()
    assert [row.split()[0] for row in rows] == ["Stage", "Read", "Preprocess", "Network", "Composite", "Total"]
    median, high = (float(value) for value in rows[3].split()[1:4:2])
    assert 0 < median <= high


def test_the_live_camera(
    page: Page, context: BrowserContext, served: WebServer, tmp_path: Path, camera_frames: list[np.ndarray], matter
) -> None:
    context.grant_permissions(["camera"])
    _record(page)
    open_page(page, served)
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_selector("body[data-state=live]")
    until(page, "Number(/[0-9]+/.exec(document.getElementById('runs').textContent)) > 5")
    saved = save(page, tmp_path)[1]
    # Mirrored, and one of the frames of the file, which the browser may have scaled, with other colours at the edge.
    seen = cv2.resize(saved[:, ::-1, :3], (320, 240), interpolation=cv2.INTER_AREA).astype(int)
    assert min(np.abs(seen - frame).mean() for frame in camera_frames) < 15
    assert min(np.abs(seen[:, ::-1] - frame).mean() for frame in camera_frames) > 20

    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector("body[data-state=photo]")
    until(page, "on_their_way.size === 0")
    last = save(page, tmp_path)[1]
    # The same frames through the library: the crop follows the people, and the alphas are smoothed over time.
    images = [_sent(page, frame) for frame in range(page.evaluate("window.frames_sent.length"))]
    with PortraitMatter(matter.model, smoothing=_SmootherOfBytes) as smoothing:
        *_, matte_of_last = smoothing.stream((image, 33 * number) for number, image in enumerate(images))
    assert page.get_attribute("#canvas", "data-seen") == " ".join(map(str, astuple(*matte_of_last.seen)))
    np.testing.assert_array_equal(last, _cutout(images[-1], matte_of_last.alpha_u8.values))
    assert page.evaluate("document.getElementById('video').srcObject") is None
    page.get_by_role("button", name="Camera", exact=True).click()  # and again
    page.wait_for_selector("body[data-state=live]")
    matte(page, write_image(tmp_path / "me.png", camera_frames[0]))  # a photo ends it
    page.wait_for_selector("body[data-state=photo]")
    expect(page.get_by_role("button", name="Camera", exact=True)).to_be_visible()


def test_cameras_can_be_switched(launch: Callable[..., Browser], served: WebServer) -> None:
    browser = launch("--use-fake-device-for-media-stream=device-count=2")
    page = browser.new_context(permissions=["camera"]).new_page()
    page.set_default_timeout(1000 * PATIENCE)
    open_page(page, served)
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_selector("body[data-state=live]")
    device = "document.getElementById('video').srcObject?.getTracks()[0].getSettings().deviceId"
    first = page.evaluate(device)
    for expected in (False, True):  # the other one, and back again
        page.get_by_role("button", name="Other camera").click()
        until(page, f"document.body.dataset.state === 'live' && {device} && ({device} === '{first}') == {expected:d}")
    browser.close()


def test_a_refused_camera_is_reported(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Browser.setPermission", {"permission": {"name": "camera"}, "setting": "denied"})
    open_page(page, served)
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_contain_text("The camera was not allowed")
    matte(page, write_image(tmp_path / "me.png", small))  # photos work without it


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("throw new DOMException('', 'NotFoundError')", "finds no camera"),
        ("throw new DOMException('', 'NotReadableError')", "in use by another program"),
    ],
)
def test_a_missing_camera_is_reported(page: Page, served: WebServer, fault: str, words: str) -> None:
    page.add_init_script(f"MediaDevices.prototype.getUserMedia = async () => {{ {fault} }}")
    open_page(page, served)
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_contain_text(words)


def test_without_https_the_camera_is_explained(page: Page, served: WebServer) -> None:
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'mediaDevices', {value: undefined})")
    open_page(page, served)
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_contain_text("HTTPS")


@pytest.mark.parametrize(
    ("lack", "name"),
    [("delete self.WebAssembly", "WebAssembly"), ("delete self.OffscreenCanvas", "OffscreenCanvas")],
)
def test_an_unfit_browser_is_told_what_it_lacks(page: Page, served: WebServer, lack: str, name: str) -> None:
    page.add_init_script(lack)
    page.goto(served.url)
    expect(page.get_by_role("alert")).to_contain_text(f"This browser lacks {name}")
    expect(page.get_by_role("button", name="Choose a photo")).to_be_disabled()


def test_it_works_offline_after_the_first_visit_and_updates_itself(
    page: Page, assets: Mapping[str, Asset], tmp_path: Path, small: np.ndarray, matter
) -> None:
    with serving(assets) as server:
        open_page(page, server)
        page.wait_for_selector("body[data-offline=ready]")
    page.reload()  # nobody listens any more
    page.wait_for_selector("body[data-ready=threaded]")
    assert page.evaluate("crossOriginIsolated")
    matte(page, write_image(tmp_path / "me.png", small))
    np.testing.assert_array_equal(save(page, tmp_path)[1][..., 3], _alpha(matter, small))

    # A newer page is loaded behind, and used when the user asks for it.
    kept = page.evaluate("caches.open('mmnet').then((cache) => cache.keys()).then((keys) => keys.length)")
    assert kept < len(assets) - 2  # not the build of LiteRT.js that does not run here
    style = Asset(assets["style.css"].content + b"/* newest */", assets["style.css"].content_type)
    newer = assets | {"style.css": style}
    newer["precache.js"] = Asset(
        assets["precache.js"].content.replace(assets["style.css"].integrity.encode(), style.integrity.encode()),
        assets["precache.js"].content_type,
    )
    with serving(newer, port=server.server_port):
        open_page(page, server)
        style_text = "fetch('style.css').then((response) => response.text())"
        assert "newest" not in page.evaluate(style_text)
        with page.expect_navigation():
            page.get_by_role("button", name="Use it now").click()
        page.wait_for_selector("body[data-offline=ready]")
        assert "newest" in page.evaluate(style_text)
        expect(page.get_by_role("button", name="Use it now")).to_be_hidden()

    # Closed and opened again it is there without a network, and what it no longer needs is thrown away.
    page.close()
    again = page.context.new_page()
    again.goto(server.url)
    again.wait_for_selector("body[data-ready=threaded]")
    assert "newest" in again.evaluate(style_text)
    assert again.evaluate("caches.open('mmnet').then((cache) => cache.keys()).then((keys) => keys.length)") == kept


_SIZES = [(320, 640), (390, 844), (844, 390), (1280, 800)]


def test_nothing_scrolls_sideways_and_the_image_is_in_sight(
    page: Page, served: WebServer, tmp_path: Path, small: np.ndarray
) -> None:
    page.emulate_media(reduced_motion="reduce")
    open_page(page, served)
    for width, height in _SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert _is_within(page, width), width
        expect(page.get_by_role("button", name="Choose a photo")).to_be_in_viewport()
    matte(page, write_image(tmp_path / "a-photo-with-a-very-long-name-as-phones-give-them-20260102-030405.png", small))
    choose(page, "Colour")
    for width, height in _SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert _is_within(page, width), width
        box = page.locator("#canvas").bounding_box()
        assert box is not None
        assert box["width"] / box["height"] == pytest.approx(257 / 301, rel=0.02)
        assert box["height"] > 150
        assert box["y"] + box["height"] <= height


def _is_within(page: Page, width: int) -> bool:
    """Whether the page and everything visible on it end at the right edge."""
    return bool(
        page.evaluate(
            """(width) => document.documentElement.scrollWidth <= width && [...document.querySelectorAll('body *')]
                .every((element) => element.getBoundingClientRect().right <= width + 0.5)""",
            width,
        )
    )


def test_it_can_be_used_with_the_keyboard_alone(
    page: Page, served: WebServer, tmp_path: Path, small: np.ndarray
) -> None:
    choosers: list[FileChooser] = []
    # From the beginning: a key may be quicker than the order to hand the chooser over, which nothing waits for.
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    open_page(page, served)
    with page.expect_file_chooser():
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # the first thing is to choose a photo
    choosers[0].set_files(write_image(tmp_path / "me.png", small))
    expect(page.get_by_role("img", name="me.png")).to_be_visible()
    page.get_by_role("radio", name="None").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Blur")).to_be_checked()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "strength"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Save PNG"


def test_browsers_offer_to_install_it(page: Page, served: WebServer) -> None:
    open_page(page, served)
    session = page.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"] == f"{served.url}app.webmanifest"
    problems = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [problem["errorId"] for problem in problems if problem["errorId"] != "in-incognito"] == []
