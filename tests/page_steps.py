"""What tests do on the page in a browser, as people do it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from support import PATIENCE

from mmnet.web.server import WebServer


def write_image(path: Path, image: np.ndarray) -> Path:
    """Write an image, uint8 [H, W, 3], and return its path."""
    assert cv2.imwrite(str(path), image[..., ::-1])
    return path


def open_page(page: Page, server: WebServer) -> None:
    """Open the page and wait until the network is loaded."""
    page.goto(server.url)
    page.wait_for_selector("body[data-ready]")


def matte(page: Page, photo: Path) -> None:
    """Choose a photo and wait until it is matted."""
    page.set_input_files("#file", photo)
    expect(page.get_by_role("img", name=photo.name)).to_be_visible()


def choose(page: Page, name: str) -> None:
    """Choose a background by its name, with the mouse."""
    page.get_by_role("radio", name=name).check(force=True)


@contextmanager
def held(page: Page, kind: str) -> Iterator[None]:
    """Hold back the page's requests of one kind, as if their work took long; send them at the end."""
    page.evaluate(
        """(kind) => {
          const send = Worker.prototype.postMessage;
          const held = [];
          Worker.prototype.postMessage = function (...call) {
            if (call[0].kind === kind) held.push([this, call]);
            else send.apply(this, call);
          };
          window.release = () => {
            Worker.prototype.postMessage = send;
            for (const [worker, call] of held) send.apply(worker, call);
          };
        }""",
        kind,
    )
    yield
    page.evaluate("release()")


def open_details(page: Page) -> None:
    """Open the part of the page with the times and the model."""
    page.locator("summary").click()


def until(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression is true (playwright's own way needs `eval`, which the page forbids)."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"never: {condition}")


def save(page: Page, folder: Path) -> tuple[str, np.ndarray]:
    """Save the image; return the suggested name and uint8 [H, W, 4], RGBA, or [H, W], a matte."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG").click()
    path = folder / "saved.png"
    download.value.save_as(path)
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    image = np.asarray(stored)
    assert image.dtype == np.uint8
    assert image.ndim == 2 or image.shape[2] == 4
    return download.value.suggested_filename, image if image.ndim == 2 else image[..., [2, 1, 0, 3]]
