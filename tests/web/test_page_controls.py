"""The page says what it does, loses no file, and what is selected is what is saved."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from page_server import serving
from page_steps import choose, held, matte, open_details, open_page, save, write_image
from playwright.sync_api import BrowserContext, Page, expect
from support import PATIENCE

from mmnet.web.content import Asset
from mmnet.web.server import WebServer

pytestmark = pytest.mark.slow

ANNOUNCED = "#announcement"


@pytest.fixture
def small(portrait: np.ndarray) -> np.ndarray:
    """An image that is not square, of odd sides: uint8 [301, 257, 3]."""
    return np.ascontiguousarray(portrait[:301, 90:347])


def _drop(page: Page, *files: Path) -> None:
    page.evaluate(
        """(files) => {
          const data = new DataTransfer();
          for (const [name, content] of files) {
            const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
            data.items.add(new File([bytes], name, {type: 'image/png'}));
          }
          document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        [(file.name, base64.b64encode(file.read_bytes()).decode()) for file in files],
    )


def _pixels(page: Page) -> np.ndarray:
    """What the canvas shows, uint8 [H, W, 3]."""
    data = page.locator("#canvas").screenshot()
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_of_several_files_none_is_lost(page: Page, served: WebServer, tmp_path: Path, small: np.ndarray) -> None:
    files = [write_image(tmp_path / f"{name}.png", small[: 40 + 10 * at]) for at, name in enumerate("abc")]
    open_page(page, served)
    _drop(page, *files)
    expect(page.get_by_role("img", name="a.png")).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_text(
        ["a.pngcut out×", "b.pngnot yet cut out×", "c.pngnot yet cut out×"]
    )
    expect(page.locator(ANNOUNCED)).to_have_text("a.png is cut out. The list has 3 photos.")
    page.get_by_role("button", name="b.png", exact=True).click()
    expect(page.get_by_role("img", name="b.png")).to_be_visible()
    expect(page.get_by_role("button", name="b.png", exact=True)).to_have_attribute("aria-current", "true")
    assert save(page, tmp_path)[0] == "b-cutout.png"
    page.get_by_role("button", name="Remove c.png").click()
    expect(page.get_by_role("button", name="Remove b.png")).to_be_focused()
    page.get_by_role("button", name="Clear list").click()
    expect(page.get_by_role("listitem")).to_be_hidden()
    page.set_input_files("#file", files[:2])
    expect(page.get_by_role("listitem")).to_have_text(["b.pngcut out×", "a.pngcut out×", "b.pngnot yet cut out×"])


def test_work_is_shown_and_announced_until_its_end(
    page: Page, served: WebServer, tmp_path: Path, small: np.ndarray
) -> None:
    first, second = (write_image(tmp_path / name, small) for name in ("first.png", "second.png"))
    open_page(page, served)
    with held(page, "mattePhoto"):
        page.set_input_files("#file", first)
        busy = page.locator("#busy")
        expect(busy).to_have_text("Cutting out first.png…")
        expect(page.locator(ANNOUNCED)).to_have_text("Cutting out first.png…")
        page.set_input_files("#file", second)
        expect(busy).to_have_text("Cutting out first.png… Next: second.png")
        expect(page.locator(ANNOUNCED)).to_have_text("second.png waits.")
    expect(page.get_by_role("img", name="second.png")).to_be_visible()
    expect(busy).to_be_hidden()
    expect(page.locator(ANNOUNCED)).to_have_text("second.png is cut out.")
    open_details(page)
    with held(page, "measure"):  # the end of shorter work does not hide the sign of longer work
        page.get_by_role("button", name="Measure 50 runs").click()
        expect(busy).to_have_text("Measuring 50 runs…")
        save(page, tmp_path)
        expect(page.locator(ANNOUNCED)).to_have_text("Saved second-cutout.png.")
        expect(busy).to_have_text("Measuring 50 runs…")
    expect(busy).to_be_hidden()


def test_a_photo_that_is_chosen_while_the_network_loads_waits_for_it(
    page: Page, served: WebServer, tmp_path: Path, small: np.ndarray
) -> None:
    page.route("**/model.tflite", lambda route: None)  # never answered by itself
    page.goto(served.url)
    page.get_by_role("button", name="Choose a photo").wait_for()
    with page.expect_request("**/model.tflite"):
        page.set_input_files("#file", write_image(tmp_path / "early.png", small))
    expect(page.locator("#busy")).to_contain_text("Next: early.png")


def test_the_background_image_is_chosen_with_its_own_button(
    page: Page, served: WebServer, tmp_path: Path, small: np.ndarray
) -> None:
    """The choice of "Image" opens no dialog, by mouse or by keyboard: a sample is offered beside the user's files."""
    choosers: list[object] = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    open_page(page, served)
    matte(page, write_image(tmp_path / "me.png", small))
    choose(page, "Image")
    choose(page, "Colour")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Image")).to_be_checked()
    expect(page.get_by_role("button", name="Sample image")).to_be_visible()
    name, saved = save(page, tmp_path)  # no image was chosen: what is shown and saved is the cut-out
    assert name == "me-cutout.png"
    assert saved[..., 3].min() == 0
    assert choosers == []
    page.get_by_role("radio", name="Image").focus()
    page.keyboard.press("Tab")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(write_image(tmp_path / "scene.png", small))
    expect(page.get_by_text("scene.png", exact=True)).to_be_visible()
    assert save(page, tmp_path)[0] == "me-composite.png"


def test_forced_colours_keep_the_swatches(page: Page, served: WebServer) -> None:
    open_page(page, served)
    choose(page, "Colour")
    read = "[...document.querySelectorAll('.swatch, .choices i')].map((each) => getComputedStyle(each).background)"
    usual = page.evaluate(read)
    assert "rgb(61, 125, 216)" in " ".join(usual)
    page.emulate_media(forced_colors="active")
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert page.evaluate(read) == usual


def test_frame_rates_have_decimals_where_they_are_low(page: Page, served: WebServer) -> None:
    open_page(page, served)
    rates = page.evaluate(
        """import('./page/timings.js').then(({frameRate}) =>
            [[24, 1000], [9.96, 1000], [15, 2000], [1, 1000], [1, 4000], [1, 30000]].map((each) => frameRate(...each))
        )"""
    )
    assert [rate.removesuffix(" frames/s") for rate in rates] == ["24", "10", "7.5", "1.0", "0.25", "0.03"]


def test_the_image_is_shown_as_it_is_while_a_button_isheld(
    page: Page, served: WebServer, tmp_path: Path, small: np.ndarray
) -> None:
    open_page(page, served)
    matte(page, write_image(tmp_path / "me.png", np.full_like(small, 200)))
    choose(page, "Matte")
    button = page.get_by_role("button", name="Hold to compare")
    is_original = lambda: _pixels(page)[150:160, 120:130].mean() > 190  # noqa: E731 - the wall is 200, its matte is not
    assert not is_original()

    def _wait_for(original: bool) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if is_original() == original:
                return
            page.wait_for_timeout(50)
        pytest.fail(f"the image is {'not ' * original}shown")

    button.focus()
    page.keyboard.down("Space")
    _wait_for(original=True)
    expect(button).to_have_attribute("aria-pressed", "true")
    page.keyboard.up("Space")
    _wait_for(original=False)
    button.hover()
    page.mouse.down()
    _wait_for(original=True)
    page.mouse.up()
    _wait_for(original=False)


def test_the_result_can_be_copied(
    page: Page, context: BrowserContext, served: WebServer, tmp_path: Path, small: np.ndarray
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page(page, served)
    matte(page, write_image(tmp_path / "me.png", small))
    choose(page, "Matte")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(ANNOUNCED)).to_have_text("Copied.")
    encoded = page.evaluate(
        """async () => {
          const [item] = await navigator.clipboard.read();
          const bytes = new Uint8Array(await (await item.getType('image/png')).arrayBuffer());
          let text = '';
          for (const byte of bytes) text += String.fromCharCode(byte);
          return btoa(text);
        }"""
    )
    copied = cv2.imdecode(np.frombuffer(base64.b64decode(encoded), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(copied[..., 0], save(page, tmp_path)[1])


def test_a_network_that_stalls_does_not_stop_the_page(
    page: Page, assets: Mapping[str, Asset], tmp_path: Path, small: np.ndarray
) -> None:
    stalled, released = threading.Event(), threading.Event()

    class StallingServer(WebServer):
        def answers_to(self, host: str) -> bool:
            if stalled.is_set():
                released.wait(PATIENCE)
            return super().answers_to(host)

    with serving(assets, server_type=StallingServer) as server:
        open_page(page, server)
        page.wait_for_selector("body[data-offline=ready]")
        stalled.set()
        try:
            page.reload()
            page.wait_for_selector("body[data-offline=ready]")
            matte(page, write_image(tmp_path / "me.png", small))
        finally:
            page.close()
            released.set()
