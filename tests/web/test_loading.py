"""The page shows how much of the network is loaded; photos wait for it, and screen readers hear little of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from page_server import holding, serving
from page_steps import until, write_image
from playwright.sync_api import Page, expect

from mmnet.web.content import SIZES, Asset
from mmnet.web.server import WebServer

pytestmark = pytest.mark.slow


@pytest.fixture
def released() -> threading.Event:
    """Set it to let the server send the rest of LiteRT.js."""
    return threading.Event()


@pytest.fixture
def slow(assets: Mapping[str, Asset], released: threading.Event) -> Iterator[WebServer]:
    """The page, served with half of LiteRT.js."""
    with serving(assets, server_type=holding(released)) as server:
        yield server
        released.set()


@pytest.fixture
def photo(tmp_path: Path, portrait: np.ndarray) -> Path:
    """A photo."""
    return write_image(tmp_path / "me.png", portrait[:301, 90:347])


def test_a_photo_waits_while_the_network_loads(
    page: Page, slow: WebServer, released: threading.Event, photo: Path
) -> None:
    page.add_init_script(
        """window.heard = [];
           addEventListener('DOMContentLoaded', () => {
             for (const id of ['status', 'announcement']) {
               const region = document.getElementById(id);
               new MutationObserver(() => heard.push(region.textContent)).observe(region, {childList: true});
             }
           });"""
    )
    page.goto(slow.url)
    bar = page.get_by_role("progressbar", name="Loading the network")
    expect(bar).to_be_visible()
    until(page, "document.getElementById('loading-bar').value > 20")
    expect(page.locator("#busy")).to_be_hidden()
    page.set_input_files("#file", photo)
    expect(page.locator("#busy-text")).to_contain_text("Next: me.png")
    percent, number, sign = page.evaluate(  # at one moment: more of the first half may still come
        """[
          document.getElementById('loading-bar').value,
          document.getElementById('loading-percent').textContent,
          document.getElementById('busy-text').textContent,
        ]"""
    )
    assert 20 < percent < 90  # half of the compressed file
    assert (number, sign) == (f"{percent} %", f"Loading the network, {percent} %… Next: me.png")
    expect(page.locator("#announcement")).to_have_text("me.png waits.")
    released.set()
    expect(page.get_by_role("img", name="me.png")).to_be_visible()
    expect(bar).to_be_hidden()
    expect(page.locator("#busy")).to_be_hidden()
    page.wait_for_selector("body[data-offline=ready]")
    heard = page.evaluate("heard")
    assert len(heard) < 8, heard  # the bar has shown up to a hundred numbers
    assert "me.png is cut out." in heard


def test_screen_readers_hear_quarters(page: Page, served: WebServer) -> None:
    page.goto(served.url)
    page.wait_for_selector("body[data-ready]")
    heard = page.evaluate(
        """async () => {
          const {LoadingBar} = await import('./page/loading.js');
          const said = [];
          const bar = new LoadingBar({begin: () => ({}), relabel() {}, end() {}, say: (text) => said.push(text)});
          let time = 0;
          performance.now = () => time;
          bar.said.time = 0;
          for (let percent = 0; percent <= 100; percent++) {
            time += 200;
            bar.show(percent);
          }
          bar.end();
          return said;
        }"""
    )
    assert heard == [f"{percent} per cent of the network is loaded." for percent in (25, 50, 75)]


def test_later_visits_show_no_bar(page: Page, served: WebServer) -> None:
    asked: list[str] = []
    page.goto(served.url)
    page.wait_for_selector("body[data-offline=ready]")
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector("body[data-offline=ready]")
    expect(page.locator("#loading")).to_be_hidden()
    assert not any(SIZES in url for url in asked)


def test_a_network_that_cannot_be_loaded_is_said(page: Page, assets: Mapping[str, Asset], photo: Path) -> None:
    """LiteRT.js alone would wait for ever."""
    broken = {
        path: Asset(b"no module", asset.content_type) if path.endswith("_internal.wasm") else asset
        for path, asset in assets.items()
    }
    with serving(broken) as server:
        page.goto(server.url)
        page.set_input_files("#file", photo)
        expect(page.get_by_role("alert")).to_contain_text("The network could not be started")
        expect(page.locator("#loading")).to_be_hidden()
        expect(page.locator("#busy")).to_be_hidden()
        page.close()
