"""Measure a camera frame in the web page: with temporal smoothing, without it, and in an older version of the page.

    git worktree add /tmp/before COMMIT
    python tools/speed/web_live.py --before /tmp/before [--rounds 3] [--frames 40] [--size 1280x720] [--json FILE]

It needs playwright and Chromium. The versions take turns in one run, with one model, one video as the camera and a
colour as the background. A frame's time begins when the page sends it to its worker and ends with the answer: reading
the frame, the network, and everything up to drawing on the canvas.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Browser, sync_playwright

from mmnet.evaluation.machine import processor
from mmnet.runtime.model import default_model
from mmnet.web.content import Asset, build
from mmnet.web.server import WebServer

ROOT = Path(__file__).parents[2]
SMOOTHED, UNSMOOTHED, BEFORE = "with smoothing", "without smoothing", "before"
WARM_UP = 8  # frames
# The server of the older version, which has another `mmnet`.
SERVER = """
import sys
from pathlib import Path
from mmnet.web.content import build
from mmnet.web.server import WebServer
with WebServer(build(Path(sys.argv[1]).read_bytes()), port=0) as server:
    print(server.url, flush=True)
    server.serve_forever()
"""
# Fix the size of the camera's frames, and note the time of each frame.
RECORD = """([width, height]) => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = () => open({video: {width: {exact: width}, height: {exact: height}}});
  const send = Worker.prototype.postMessage;
  const sent = new Map();
  const known = new WeakSet();
  window.frames = [];
  Worker.prototype.postMessage = function (data, transfer) {
    if (!known.has(this)) {
      known.add(this);
      this.addEventListener('message', ({data}) => {
        const began = sent.get(data.id);
        sent.delete(data.id);
        if (began !== undefined) window.frames.push({frame: performance.now() - began, ...data.timings});
      });
    }
    if (data.kind === 'matteFrame') sent.set(data.id, performance.now());
    return send.call(this, data, transfer);
  };
}"""


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="a folder with an older version of this repository")
    parser.add_argument("--rounds", type=int, default=3, help="how often each version has its turn")
    parser.add_argument("--frames", type=int, default=40, help="frames per turn")
    parser.add_argument("--size", default="1280x720", help="size of the camera's frames, WIDTHxHEIGHT")
    parser.add_argument("--json", type=Path, help="write all times to this file")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(WebServer(assets, port=0).running()).url
            for name, assets in ((SMOOTHED, build(default_model())), (UNSMOOTHED, unsmoothed(build(default_model()))))
        }
        if args.before:
            urls[BEFORE] = stack.enter_context(serving_older(args.before))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        camera = write_video(folder / "camera.mjpeg", width, height)
        browser = stack.enter_context(chromium(camera))
        times = measure(browser, urls, args.rounds, args.frames, (width, height))
        version = browser.version
    print(f"{processor()}, Chromium {version}, {args.rounds} turns of {args.frames} frames of {args.size}; ms")
    show(times)
    if args.json:
        args.json.write_text(json.dumps(times))


def measure(
    browser: Browser, urls: Mapping[str, str], rounds: int, frames: int, size: tuple[int, int]
) -> dict[str, list[dict[str, float]]]:
    """Return the times of each version's frames in ms: `frame`, the whole, and its stages as the page counts them."""
    times: dict[str, list[dict[str, float]]] = {name: [] for name in urls}
    for _ in range(rounds):
        for name, url in urls.items():
            times[name] += _turn(browser, url, frames, size)
    return times


def _turn(browser: Browser, url: str, frames: int, size: tuple[int, int]) -> list[dict[str, float]]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, permissions=["camera"])
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(f"({RECORD})({json.dumps(size)})")
    page.goto(url)
    page.wait_for_selector("body[data-ready]")
    page.evaluate("document.querySelector('[name=background][value=colour]').click()")
    page.locator("#camera").click()
    found: list[dict[str, float]] = []
    while len(found) < WARM_UP + frames:
        page.wait_for_timeout(200)
        found = page.evaluate("frames")
    shown = page.locator("#canvas").get_attribute("data-size")
    context.close()
    assert shown == f"{size[0]}×{size[1]}", f"the camera gave frames of {shown}"
    return found[WARM_UP : WARM_UP + frames]


def show(times: Mapping[str, list[dict[str, float]]]) -> None:
    """Print the median of the whole frame and of each stage, and the 10th percentile, for machines that are busy.

    The ratios are those of the whole frame to the first version's.
    """
    stages = list(next(iter(times.values()))[0])
    for percent in (50, 10):
        print(f"{percent}th percentile".ljust(20) + "".join(f"{stage:>12}" for stage in stages) + f"{'ratio':>8}")
        first = 0.0
        for name, frames in times.items():
            values = [float(np.percentile([frame[stage] for frame in frames], percent)) for stage in stages]
            first = first or values[0]
            print(f"{name:20}" + "".join(f"{value:12.1f}" for value in values) + f"{values[0] / first:8.2f}")


def unsmoothed(assets: Mapping[str, Asset]) -> Mapping[str, Asset]:
    """Return the page without temporal smoothing."""
    path, line = "engine/matter.js", b"if (!this.smoother) return modelAlpha;"
    assert assets[path].content.count(line) == 1
    return {**assets, path: replace(assets[path], content=assets[path].content.replace(line, b"return modelAlpha;"))}


@contextmanager
def serving_older(root: Path) -> Iterator[str]:
    """Serve the page of another version of this repository, with the model of this one; yield its address."""
    with tempfile.NamedTemporaryFile(suffix=".tflite") as model:
        model.write(default_model())
        model.flush()
        command = [sys.executable, "-c", SERVER, model.name]
        environment = {"PYTHONPATH": str(root / "src"), "PATH": ""}
        server = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
            server.wait()


@contextmanager
def chromium(camera: Path) -> Iterator[Browser]:
    """Start Chromium with a file as its camera."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        sys.exit("error: no Chromium; install Debian's package chromium")
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


def write_video(path: Path, width: int, height: int) -> Path:
    """Write a Motion JPEG file, in which the page's sample photo moves from left to right, and return its path."""
    photo: Any = cv2.imread(str(ROOT / "web_demo" / "site" / "samples" / "astronaut.webp"))
    person = cv2.resize(photo, (height, height), interpolation=cv2.INTER_CUBIC)
    frames = []
    for left in range(0, (width - height) // 2, 9):
        frame = np.full((height, width, 3), (90, 110, 60), np.uint8)
        frame[:, left : left + height] = person
        frames.append(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    path.write_bytes(b"".join(frames))
    return path


if __name__ == "__main__":
    main()
