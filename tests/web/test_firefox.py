"""The page in Firefox computes what Python computes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from firefox import FIREFOX, Firefox
from page_steps import write_image

from mmnet.runtime import PortraitMatter
from mmnet.web.server import WebServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """A running Firefox."""
    if FIREFOX is None:
        pytest.skip("NO FIREFOX: the page was tested in Chromium ONLY; install Debian's package firefox-esr")
    with Firefox(tmp_path_factory.mktemp("firefox")) as running:
        yield running


def _decode(content: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED))[..., [2, 1, 0, 3]]


def test_photos(firefox: Firefox, served: WebServer, tmp_path: Path, portrait: np.ndarray) -> None:
    small = np.ascontiguousarray(portrait[:301, 90:347])
    first, second = write_image(tmp_path / "me.png", small), write_image(tmp_path / "again.png", small[:200])
    firefox.open(served.url)
    firefox.until("document.body.dataset.ready")
    assert firefox.run("return document.body.dataset.ready") == "threaded"
    assert firefox.run("return crossOriginIsolated")
    firefox.type("#file", f"{first}\n{second}")
    firefox.until("document.querySelector('#canvas').getAttribute('aria-label').startsWith('me.png')")
    firefox.click("#save")
    with PortraitMatter(threads=1) as matter:
        expected = matter.cutout(small)
    np.testing.assert_array_equal(_decode(firefox.downloaded("me-cutout.png")), expected)

    firefox.click("#save-all")
    archive = zipfile.ZipFile(io.BytesIO(firefox.downloaded("mmnet-results.zip")))
    assert archive.namelist() == ["me-cutout.png", "again-cutout.png"]
    np.testing.assert_array_equal(_decode(archive.read("me-cutout.png")), expected)

    firefox.click("#slide")
    firefox.until("document.querySelector('#original').width === 257")
    clip = "return document.querySelector('#original').style.clipPath"
    half = firefox.run(clip)
    firefox.type("#split", "\ue014")  # the arrow to the right
    assert firefox.run(clip) != half
    firefox.click("[data-action=zoom-in]")
    firefox.until("document.querySelector('#zoom').textContent === '125 %'")
    firefox.click("#restore")
    firefox.type("#frame", " ")
    firefox.until("document.querySelector('#strokes').textContent === '1 stroke'")
    firefox.click("#undo")
    firefox.until("document.querySelector('#undo').disabled")
    assert firefox.run("return document.querySelector('#problem').hidden")
