"""The served page, and a real Chromium that opens it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
from page_server import serving
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from support import PATIENCE, ROOT

from mmnet.runtime.model import default_model
from mmnet.web.content import Asset, build
from mmnet.web.server import WebServer


@pytest.fixture(scope="session")
def assets() -> Mapping[str, Asset]:
    """The page with the model that ships."""
    return build(default_model())


@pytest.fixture(scope="session")
def served(assets: Mapping[str, Asset]) -> Iterator[WebServer]:
    """The page, served together with the script of the tests."""
    script = "text/javascript; charset=utf-8"
    core = {
        f"web_demo/site/{path}": asset for path, asset in assets.items() if path.startswith("core/")
    }  # where `request_handler.mjs` imports it from
    handler = Asset((ROOT / "tests" / "web" / "request_handler.mjs").read_bytes(), script)
    with serving({**assets, **core, "tests/web/request_handler.mjs": handler}) as server:
        yield server


@pytest.fixture(scope="session")
def camera_frames(portrait: np.ndarray) -> list[np.ndarray]:
    """The frames of the fake camera, uint8 [240, 320, 3]: the portrait moves from left to right."""
    small = cv2.resize(portrait, (240, 240), interpolation=cv2.INTER_AREA)
    frames = []
    for left in range(0, 60, 6):
        frame = np.full((240, 320, 3), (60, 110, 90), np.uint8)
        frame[:, left : left + 240] = small
        frames.append(frame)
    return frames


@pytest.fixture(scope="session")
def camera_file(camera_frames: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frames as a Motion JPEG file, which is one JPEG after the other."""
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
    path.write_bytes(b"".join(cv2.imencode(".jpg", frame[..., ::-1], quality)[1].tobytes() for frame in camera_frames))
    return path


TIMEOUT = 1000 * PATIENCE  # milliseconds


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Browser]]:
    """A function that starts the system's Chromium without a window; its arguments set up fake cameras."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("NO CHROMIUM: the page was NOT tested in a browser; install Debian's package chromium")
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        yield lambda *cameras: playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", *cameras], timeout=TIMEOUT
        )


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Browser], camera_file: Path) -> Iterator[Browser]:
    """A browser with a camera that plays a file."""
    running = launch("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera_file}")
    yield running
    running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A new profile: no permissions, no caches."""
    fresh = browser.new_context(viewport={"width": 1280, "height": 800})
    fresh.set_default_timeout(TIMEOUT)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab that must log no warnings and no errors."""
    complaints: list[str] = []
    tab = context.new_page()
    tab.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield tab
    assert complaints == []
