"""axe-core finds no violation in any state of the page, and the keyboard reaches every control."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from page_server import holding, serving
from page_steps import choose, held, matte, open_details, open_page, until, write_image
from playwright.sync_api import BrowserContext, Page, expect
from support import PATIENCE, ROOT

from mmnet.web.content import Asset
from mmnet.web.server import WebServer

pytestmark = pytest.mark.slow

AXE = "axe-core@4.14.1"
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
WIDTHS = [390, 768, 1280]
# Every control that a user can see and use, without the radio buttons: a group of them is one stop.
CONTROLS = """() => [...document.querySelectorAll('button, select, summary, input:not([type=radio]), [tabindex="0"]')]
    .filter((element) => element.tabIndex >= 0 && !element.disabled && element.checkVisibility())"""


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, downloaded once and checked."""
    cached = ROOT / ".cache" / f"{AXE}.js"
    if not cached.is_file():
        with tempfile.TemporaryDirectory() as folder:
            npm = shutil.which("npm")
            done = npm and subprocess.run(
                [npm, "pack", "--silent", AXE], cwd=folder, capture_output=True, check=False, timeout=PATIENCE
            )
            if not done or done.returncode != 0:
                pytest.skip(f"NO {AXE}: the accessibility of the page was NOT checked; it needs npm and a network")
            (archive,) = Path(folder).glob("*.tgz")
            assert base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() == INTEGRITY[7:]
            with tarfile.open(archive) as packed:
                content = packed.extractfile("package/axe.min.js")
                assert content is not None
                cached.parent.mkdir(exist_ok=True)
                cached.write_bytes(content.read())
    return cached.read_text()


class _Checker:
    """A page that axe checks in light and dark, in three widths."""

    def __init__(self, page: Page, axe: str) -> None:
        self.page = page
        page.emulate_media(reduced_motion="reduce")
        page.add_init_script(axe)

    def check(self, state: str) -> None:
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            for width in WIDTHS:
                self.page.set_viewport_size({"width": width, "height": 800})
                found, passes = self.page.evaluate(
                    """() => axe.run(document, {resultTypes: ['violations']}).then(({violations, passes}) => [
                        violations.map(({id, nodes}) => [id, ...nodes.map(({html}) => html.slice(0, 200))]),
                        passes.length,
                    ])"""
                )
                assert found == [], f"{state}, {scheme}, {width}"
                assert passes > 20  # it did check the page


def test_no_violations(
    page: Page, context: BrowserContext, served: WebServer, tmp_path: Path, portrait: np.ndarray, axe: str
) -> None:
    context.grant_permissions(["camera"])
    small = np.ascontiguousarray(portrait[:301, 90:347])
    photos = [write_image(tmp_path / name, small) for name in ("one.png", "two.png")]
    broken = tmp_path / "broken.png"
    broken.write_text("no image")
    checker = _Checker(page, axe)
    open_page(page, served)
    checker.check("empty")
    with held(page, "mattePhoto"):
        page.set_input_files("#file", [*photos, broken])
        checker.check("waiting")
    expect(page.get_by_role("img", name="one.png")).to_be_visible()
    with held(page, "renderPhoto"):
        page.get_by_role("button", name="Save all as ZIP").click()
        checker.check("queue")
    expect(page.locator("#list-status")).to_contain_text("Saved 2 of 3")
    page.get_by_role("button", name="broken.png", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    checker.check("error, results")
    choose(page, "Colour")
    page.locator("#format").select_option("jpeg")
    checker.check("colours, quality")
    choose(page, "Blur")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator("#split")).to_be_visible()
    open_details(page)
    checker.check("comparison, blur, details")
    page.get_by_role("radio", name="Image").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Erase brush").click()
    checker.check("image, brush")
    page.get_by_role("button", name="Camera", exact=True).click()
    page.wait_for_selector("body[data-state=live]")
    checker.check("live")
    page.get_by_role("button", name="Stop").click()


def test_no_violations_while_the_network_loads(page: Page, assets: Mapping[str, Asset], axe: str) -> None:
    released = threading.Event()
    checker = _Checker(page, axe)
    with serving(assets, server_type=holding(released)) as server:
        page.goto(server.url)
        until(page, "document.getElementById('loading-bar').value > 20")
        checker.check("loading")
        released.set()
        page.wait_for_selector("body[data-ready]")


def test_the_keyboard_reaches_every_control(
    page: Page, served: WebServer, tmp_path: Path, portrait: np.ndarray
) -> None:
    open_page(page, served)
    matte(page, write_image(tmp_path / "me.png", portrait[:301, 90:347]))
    page.set_input_files("#file", [write_image(tmp_path / name, portrait[:99, :99]) for name in ("a.png", "b.png")])
    expect(page.get_by_role("img", name="a.png")).to_be_visible()
    for key in ("Restore brush", "Compare"):  # by the keyboard, which opens what is folded up
        page.get_by_role("button", name=key, exact=True).focus()
        page.keyboard.press("Enter")
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    choose(page, "Blur")
    page.locator("#format").select_option("webp")
    expect(page.locator("#split")).to_be_visible()
    expected = page.evaluate(f"() => ({CONTROLS})().length")
    page.evaluate("() => { window.reached = new Set(); document.activeElement.blur(); }")
    for _ in range(expected + 6):
        page.keyboard.press("Tab")
        page.evaluate("() => { reached.add(document.activeElement); }")
    missed = page.evaluate(f"() => ({CONTROLS})().filter((each) => !reached.has(each)).map((each) => each.outerHTML)")
    assert missed == []


def test_the_keyboard_alone_edits_and_saves(page: Page, served: WebServer) -> None:
    open_page(page, served)
    page.get_by_role("button", name="Try this photo").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("img", name="astronaut.webp")).to_be_visible()
    page.get_by_role("button", name="Compare", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#split")).to_be_visible()
    page.locator("#split").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#split").input_value() == "51"
    page.get_by_role("button", name="Erase brush").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Erase brush", pressed=True)).to_be_visible()
    expect(page.locator("#split")).to_be_hidden()
    page.locator("#frame").focus()
    for key in ("ArrowDown", "Shift+ArrowDown", "Space", "]", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text("3 strokes", exact=True)).to_be_visible()
    page.locator("#softness").focus()
    page.keyboard.press("ArrowRight")
    page.locator("#format").focus()
    page.keyboard.press("ArrowDown")
    until(page, "document.getElementById('save').textContent === 'Save WebP'")
    page.get_by_role("button", name="Save WebP").focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "astronaut-cutout.webp"
