"""`mmnet serve`: a real server on loopback, asked by an HTTP client."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="the extra serve is not installed")

from support import PATIENCE, run
from typer.testing import CliRunner

from mmnet.cli.main import app
from mmnet.runtime import PortraitMatter
from mmnet.runtime.model import default_model
from mmnet.serve.errors import BusyError, ServeError
from mmnet.serve.options import MatteRequest, ServerLimits
from mmnet.serve.workers import WorkerPool

JPEG = {"Content-Type": "image/jpeg"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def detail(self) -> str:
        detail: str = json.loads(self.body)["detail"]
        return detail


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    port: int

    def ask(self, path: str, body: bytes | None = None, headers: dict[str, str] = JPEG) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET" if body is None else "POST", path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def workers(self) -> list[int]:
        """The processes that the server has started and that are worker processes."""
        children = subprocess.run(["pgrep", "-P", str(self.process.pid), "-f", "spawn_main"], capture_output=True)
        return [int(word) for word in children.stdout.split()]

    def hold_worker(self) -> int:
        """Stop the only worker process, so that its photo takes as long as the test wants; return its number."""
        (worker,) = self.workers()
        os.kill(worker, signal.SIGSTOP)
        return worker

    def wait_for_request(self) -> None:
        """Wait until a request is in progress: it has its place, and its photo goes to a worker."""
        while counters(self)["mmnet_requests_in_progress"] == 0:
            time.sleep(0.01)


@contextmanager
def serving(*options: object) -> Iterator[Server]:
    command = [Path(sys.executable).with_name("mmnet"), "serve", "--port", 0, *options]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline()
        assert url, process.communicate()[1]
        yield Server(process, int(urlsplit(url).port or 0))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
        assert "Traceback" not in errors


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--workers", 2, "--max-megabytes", 2, "--max-megapixels", 1, "--timeout", PATIENCE) as server:
        yield server


@pytest.fixture(scope="module")
def photo(portrait: np.ndarray) -> bytes:
    return encoded(portrait[..., ::-1])


def encoded(image: np.ndarray, extension: str = ".jpg") -> bytes:
    return cv2.imencode(extension, image)[1].tobytes()


@pytest.mark.parametrize(
    ("query", "options", "extension"),
    [
        ("", [], ".png"),
        ("?background=transparent", ["--background", "transparent"], ".png"),
        ("?background=%2300ff00&format=jpg", ["--background", "#00ff00"], ".jpg"),
        ("?background=blur&profile=fast", ["--background", "blur", "--profile", "fast"], ".png"),
        ("?fit=letterbox&if_nobody=transparent", ["--fit", "letterbox", "--if-nobody", "transparent"], ".png"),
    ],
)
def test_the_bytes_are_those_of_matte(server, photo, tmp_path, query, options, extension):
    (tmp_path / "photo.jpg").write_bytes(photo)
    assert run("mmnet", "matte", "photo.jpg", "-o", f"matte{extension}", *options, cwd=tmp_path).returncode == 0
    answer = server.ask(f"/matte{query}", photo)
    assert answer.status == 200
    assert answer.headers["content-type"] == {".png": "image/png", ".jpg": "image/jpeg"}[extension]
    assert answer.body == (tmp_path / f"matte{extension}").read_bytes()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 200), width=st.integers(1, 200))
def test_any_image_has_the_alpha_of_the_library(server, seed, height, width):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    answer = server.ask("/matte", encoded(image, ".png"), {"Content-Type": "image/png"})
    with PortraitMatter(threads=1) as matter:
        matte = matter.photo(image[..., ::-1])
    alpha = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(alpha, matte.alpha_u8.values)
    assert answer.headers["mmnet-coverage"] == f"{matte.coverage:.4f}"
    assert answer.headers["mmnet-confidence"] == f"{matte.confidence:.4f}"
    assert answer.headers["mmnet-nobody"] == str(matte.nobody).lower()


def test_nobody_can_be_an_error(server):
    empty = encoded(np.full((64, 64, 3), 200, np.uint8))
    assert server.ask("/matte", empty).headers["mmnet-nobody"] == "true"
    answer = server.ask("/matte?if_nobody=fail", empty)
    assert answer.status == 422
    assert "nobody was found" in answer.detail


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "text"),
    [
        ("/matte", b"GIF89a", JPEG, 422, "photo: is a GIF image"),
        ("/matte", b"", JPEG, 422, "the body is empty"),
        ("/matte", b"x", {"Content-Type": "multipart/form-data"}, 415, "multipart/form-data; send the photo itself"),
        ("/matte", b"x", {}, 415, "of no type"),
        ("/matte", bytes(2_000_001), JPEG, 413, "2,000,000 bytes"),
        ("/matte?background=/etc/passwd", b"x", JPEG, 400, "/etc/passwd"),
        ("/matte?background=%23zzz", b"x", JPEG, 400, "#zzz"),
        ("/matte?format=jpg", b"x", JPEG, 400, "JPEG cannot hold"),
        ("/matte?fit=tight", b"x", JPEG, 400, "fit is 'tight'"),
        ("/matte?fit=auto&fit=crop", b"x", JPEG, 400, "'fit' is given 2 times"),
        ("/matte?backround=blur", b"x", JPEG, 400, "unknown parameter 'backround'; choose from background"),
    ],
)
def test_bad_requests_get_one_line(server, path, body, headers, status, text):
    answer = server.ask(path, body, headers)
    assert answer.status == status
    assert text in answer.detail
    assert "\n" not in answer.detail


def test_a_large_photo_is_refused_before_it_is_decoded(server):
    for extension, kind in ((".png", "image/png"), (".jpg", "image/jpeg")):
        answer = server.ask("/matte", encoded(np.zeros((1100, 1000), np.uint8), extension), {"Content-Type": kind})
        assert answer.status == 413
        assert "1000×1100 pixels; this server takes 1,000,000" in answer.detail


def test_a_body_without_length_is_limited_too(server):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.request("POST", "/matte", iter([bytes(500_000)] * 5), JPEG, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


def test_a_page_of_another_site_cannot_post(server):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    connection.request("OPTIONS", "/matte", headers={**headers, "Access-Control-Request-Headers": "content-type"})
    answer = connection.getresponse()
    assert answer.status == 405
    assert not [name for name, _ in answer.getheaders() if name.lower().startswith("access-control")]
    connection.close()


def test_health_metrics_and_documentation(server, photo):
    assert json.loads(server.ask("/health").body) | {"version": ""} == {
        "status": "ok", "version": "", "workers": 2, "model": json.loads(server.ask("/health").body)["model"],
    }  # fmt: skip
    before = counters(server)
    server.ask("/matte", photo)
    server.ask("/matte?fit=tight", photo)
    after = counters(server)
    for status in ("200", "400"):
        name = f'mmnet_requests_total{{status="{status}"}}'
        assert after[name] == before.get(name, 0) + 1
    assert after["mmnet_requests_in_progress"] == 0
    description = json.loads(server.ask("/openapi.json").body)
    names = [one["name"] for one in description["paths"]["/matte"]["post"]["parameters"]]
    assert names == ["background", "format", "profile", "fit", "if_nobody"]
    page = server.ask("/docs").body.decode()
    assert "https://" not in page, "the page loads something from elsewhere"
    for path in ("/docs/files/swagger-ui-bundle.js", "/docs/files/swagger-ui.css"):
        assert path in page
        assert server.ask(path).status == 200


@pytest.mark.slow
def test_the_page_of_the_documentation_shows_the_parameters(server):
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"], timeout=1000 * PATIENCE
        )
        page = browser.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.get_by_text("Matte a photo").click()
        page.get_by_text("A colour (").wait_for()
        browser.close()


def test_a_client_that_leaves_is_no_failure_of_the_server(server):
    with socket.create_connection(("127.0.0.1", server.port)) as leaving:
        leaving.sendall(b"POST /matte HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 99\r\n\r\nx")
    name = 'mmnet_requests_total{status="499"}'
    while counters(server).get(name, 0) == 0:
        time.sleep(0.01)
    assert 'mmnet_requests_total{status="500"}' not in counters(server)


def counters(server: Server) -> dict[str, float]:
    lines = server.ask("/metrics").body.decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_what_cannot_wait_is_refused_and_a_killed_worker_is_replaced(photo):
    options = ["--workers", 1, "--queue", 0, "--timeout", PATIENCE]
    with serving(*options) as server, ThreadPoolExecutor(1) as threads:
        worker = server.hold_worker()
        slow = threads.submit(server.ask, "/matte", photo)
        server.wait_for_request()
        busy = server.ask("/matte", photo)
        assert busy.status == 503
        assert busy.headers["retry-after"] == "1"
        assert server.ask("/health").status == 200
        os.kill(worker, signal.SIGKILL)
        assert slow.result().status == 500
        assert "crashed" in slow.result().detail
        assert server.ask("/matte", photo).status == 200
        assert counters(server)["mmnet_workers_replaced"] == 1


def test_a_photo_that_takes_too_long_is_given_up(photo):
    with serving("--workers", 1, "--timeout", 1) as server:
        server.hold_worker()
        assert server.ask("/matte", photo).status == 504
        with socket.create_connection(("127.0.0.1", server.port)) as slow:
            slow.sendall(b"POST /matte HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 99\r\n\r\nx")
            assert b" 408 " in slow.recv(200)


@pytest.mark.parametrize("option", ["--max-megabytes", "--max-megapixels", "--timeout"])
def test_a_limit_out_of_its_range_is_wrong_usage(option):
    for value in ("0", "nan", "inf"):
        found = CliRunner().invoke(app, ["serve", "--port", "0", "--workers", "1", option, value])
        assert found.exit_code == 2, found.output
        assert f"Invalid value for '{option}'" in found.output


def test_slow_clients_are_cut_off(photo):
    answers = b"GET /docs/files/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n" * 50  # of 70 MB
    with serving("--workers", 1, "--timeout", 4) as server, ExitStack() as stack:

        def connect(sent: bytes) -> socket.socket:
            opened = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
            opened.sendall(sent)
            return stack.enter_context(opened)

        second = connect(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /health HT")
        silent, slow, deaf = connect(b""), connect(b"POST /matte HTTP/1.1\r\nHost: x\r\n"), connect(answers)
        assert left(silent) == left(slow) == b""
        assert left(second).count(b"200 OK") == 1
        while is_held_by_server(deaf):
            time.sleep(0.01)
        assert len(left(deaf)) < 30_000_000
        assert server.ask("/matte", photo).status == 200


def test_connections_beyond_the_limit_are_closed():
    with serving("--workers", 1, "--max-connections", 2) as server, ExitStack() as stack:
        address = ("127.0.0.1", server.port)
        first, _ = (stack.enter_context(socket.create_connection(address, timeout=PATIENCE)) for _ in range(2))
        first.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in first.recv(1000)
        with socket.create_connection(address, timeout=PATIENCE) as third:
            assert left(third) == b""
        first.close()
        while True:  # until the server has seen that the first is gone
            with suppress(ConnectionError):
                assert server.ask("/health").status == 200
                break


def is_held_by_server(connection: socket.socket) -> bool:
    """Whether the other end of a connection is open. Where it is closed, its last bytes may still be on the way."""
    here, there = (f":{address[1]:04X}" for address in (connection.getsockname(), connection.getpeername()))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(there) and row[2].endswith(here) and row[9] != "0" for row in rows)


def left(connection: socket.socket) -> bytes:
    """What arrives before the server ends a connection."""
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(1 << 20):
            received += part
    return received


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here: a full disk was not tested")
@pytest.mark.parametrize("command", [("serve", "--workers", "1"), ("web",)])
def test_an_address_that_cannot_be_printed_ends_the_server(command):
    mmnet = str(Path(sys.executable).with_name("mmnet"))
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [mmnet, *command, "--port", "0"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE
        )
    assert ended.returncode == 74
    assert ended.stderr == "error: standard output: cannot be written: No space left on device\n"


def is_dead(process: int) -> bool:
    """Whether a process has ended with all its threads, so that its parent can see it and its pipes are closed."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(list(Path(f"/proc/{process}/task").iterdir())) == 1
    except FileNotFoundError:
        return True


def test_a_worker_that_hangs_or_died_is_replaced(photo):
    with serving("--workers", 1, "--timeout", 10) as server:
        server.hold_worker()
        large = encoded(np.random.default_rng(0).integers(0, 256, (700, 700, 3), np.uint8), ".png")
        assert server.ask("/matte", large).status == 504
        answer = server.ask("/matte", photo)
        assert answer.status == 200, answer
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        while not is_dead(worker):
            time.sleep(0.01)
        answer = server.ask("/matte", photo)
        assert answer.status == 200, answer


def test_a_script_without_a_guard_is_told(tmp_path):
    (tmp_path / "script.py").write_text("import mmnet\nwith mmnet.MatteServer(port=0) as server:\n    server.run()\n")
    ended = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ended.returncode == 1
    assert 'behind: if __name__ == "__main__":' in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_requests_end_first(photo, number):
    with serving("--workers", 1, "--timeout", PATIENCE) as server, ThreadPoolExecutor(1) as threads:
        worker = server.hold_worker()
        slow = threads.submit(server.ask, "/matte", photo)
        server.wait_for_request()
        server.process.send_signal(number)
        while accepts_connections(server.port):
            time.sleep(0.01)
        os.kill(worker, signal.SIGCONT)
        assert slow.result().status == 200
        assert server.process.wait(PATIENCE) == 0
        assert not Path(f"/proc/{worker}").exists()


def accepts_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionError:
        return False
    return True


def test_a_port_in_use_and_a_bad_model_are_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("mmnet", "serve", "--port", taken.getsockname()[1])
        assert result.returncode == 1
        assert "is in use" in result.stderr
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    result = run("mmnet", "serve", "--port", 0, "--model", tmp_path / "bad.tflite")
    assert result.returncode == 1
    assert "bad.tflite" in result.stderr


def test_limits_out_of_their_range():
    for wrong in (
        {"workers": 0},
        {"queue": -1},
        {"connections": 0},
        {"max_bytes": 0},
        {"max_pixels": 0},
        {"seconds": 0.0},
    ):
        with pytest.raises(ServeError, match=next(iter(wrong))):
            ServerLimits(**wrong)


def test_the_places_of_a_pool_are_bounded(photo):
    with WorkerPool(default_model(), ServerLimits(workers=1, queue=1)) as pool:
        assert not asyncio.run(pool.render(photo, MatteRequest())).nobody
        with pool.place(), pool.place(), pytest.raises(BusyError), pool.place():
            pass
        with pool.place():
            pass
