"""The server of the page, and the command `mmnet web`."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from page_server import serving
from support import PATIENCE, error_line, run

from mmnet.runtime.model import default_model
from mmnet.web.content import Asset
from mmnet.web.errors import WebError
from mmnet.web.server import WebServer


@pytest.fixture(scope="module")
def server(assets: Mapping[str, Asset]):
    """A server of the page."""
    with serving(assets) as running:
        yield running


def _ask(server: WebServer, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=PATIENCE)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_every_file_is_sent_with_its_type_and_the_isolating_headers(
    server: WebServer, assets: Mapping[str, Asset]
) -> None:
    types = {
        "": "text/html", "app.js": "text/javascript", "style.css": "text/css",
        "app.webmanifest": "application/manifest", "icons/icon.svg": "image/svg+xml", "icons/icon-192.png": "image/png",
        "core/fit.js": "text/javascript",
        "litert/index.js": "text/javascript", "litert/litert_wasm_compat_internal.wasm": "application/wasm",
        "model.tflite": "application/octet-stream",
    }  # fmt: skip
    assert types.keys() <= assets.keys()
    for path, asset in assets.items():
        response, content = _ask(server, f"/{path}")
        assert response.status == 200
        assert content == asset.content
        assert response.headers["Content-Type"].startswith(types.get(path, ""))
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert "'unsafe-eval'" not in policy
        assert "http" not in policy


def test_the_model_is_that_of_the_runtime(server: WebServer) -> None:
    assert _ask(server, "/model.tflite")[1] == default_model()


def test_nothing_on_the_page_is_loaded_from_elsewhere(assets: Mapping[str, Asset]) -> None:
    for path, asset in assets.items():
        if not path.startswith(("litert/", "model", "icons/")):
            assert b"://" not in asset.content.replace(b"http://www.w3.org/2000/svg", b""), path  # a name, no address


def test_an_unchanged_file_is_not_sent_again(server: WebServer) -> None:
    tag = _ask(server, "/app.js")[0].headers["ETag"]
    response, content = _ask(server, "/app.js", If_None_Match=f'"other", W/{tag}')
    assert (response.status, content) == (304, b"")
    assert response.headers["ETag"] == tag
    assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert _ask(server, "/style.css", If_None_Match=tag)[0].status == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip; q=0.5", "gzip"),
        ("BR;Q=0.1", "br"),
        ("gzip;q=0.000", None),
        ("deflate", None),
        ("", None),
    ],
)
def test_files_are_sent_compressed(
    server: WebServer, assets: Mapping[str, Asset], accepted: str, coding: str | None
) -> None:
    path = "litert/wasm-utils.js"
    response, content = _ask(server, f"/{path}", Accept_Encoding=accepted)
    assert response.headers["Content-Encoding"] == coding
    assert response.headers["Vary"] == "Accept-Encoding"
    assert content == {"br": assets[path].brotli, "gzip": assets[path].gzip, None: assets[path].content}[coding]
    tag = response.headers["ETag"]
    known, nothing = _ask(server, f"/{path}", Accept_Encoding=accepted, If_None_Match=tag)
    assert (known.status, nothing, known.headers["ETag"]) == (304, b"", tag)
    other = "identity" if coding else "br"
    assert _ask(server, f"/{path}", Accept_Encoding=other, If_None_Match=tag)[0].status == 200


def test_compressed_files_hold_the_bytes_of_the_files(assets: Mapping[str, Asset]) -> None:
    for path, asset in assets.items():
        assert (asset.brotli is not None) == path.startswith("litert/"), path
        if len(asset.content) < 1 << 20 and asset.gzip is not None:  # the large ones would take seconds
            assert gzip.decompress(asset.gzip) == asset.content
    if shutil.which("node") is None:
        pytest.skip("NO NODE: the files for brotli were not tested; install Debian's nodejs")
    script = "process.stdout.write(require('zlib').brotliDecompressSync(require('fs').readFileSync(0)))"
    for asset in filter(lambda asset: asset.brotli is not None, assets.values()):
        plain = subprocess.run(["node", "--eval", script], input=asset.brotli, capture_output=True, check=True).stdout
        assert plain == asset.content


def test_the_first_load_is_small(assets: Mapping[str, Asset]) -> None:
    """All that a browser with threads and brotli loads at its first visit."""
    loaded = {path: asset for path, asset in assets.items() if path and "compat" not in path}
    sent = sum(len(asset.encoded({"br", "gzip"})[1]) for asset in loaded.values())
    assert sent < 4_000_000 < sum(len(asset.content) for asset in loaded.values())


def test_head_has_the_headers_of_get(server: WebServer, assets: Mapping[str, Asset]) -> None:
    response, content = _ask(server, "/app.js?whatever", "HEAD")
    assert (response.status, content) == (200, b"")
    assert int(response.headers["Content-Length"]) == len(assets["app.js"].content)


@pytest.mark.parametrize(
    "path",
    ["/../content.py", "/core/", "/core", "/icons", "/..%2f..%2fpyproject.toml", "//etc/passwd", "/%00",
     "/litert/README.md", "/../../../../etc/passwd", "/site/index.html", "/app.js/", "/favicon.ico"],
)  # fmt: skip
def test_other_paths_are_not_found(server: WebServer, path: str) -> None:
    response, content = _ask(server, path)
    assert (response.status, content) == (404, b"404 Not Found\n")
    assert response.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(server: WebServer, method: str) -> None:
    assert _ask(server, "/", method)[0].status == 501


def test_a_malformed_request_ends_only_its_connection(server: WebServer, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=PATIENCE) as silent:  # says nothing at all
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=PATIENCE) as rude:
            rude.sendall(b"\x16\x03\x01 rubbish\r\n\r\n")
            assert b" 400 " in rude.recv(4096) or rude.recv(4096) == b""
        assert _ask(server, "/")[0].status == 200
        silent.close()
    assert capfd.readouterr().err == ""


def _talk(server: WebServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET http://[ HTTP/1.1", 400),
        ("GET http://]/ HTTP/1.1", 400),
        ("GET [::1 HTTP/1.1", 404),
        ("GET //[ HTTP/1.1", 404),
        ("GET http://127.0.0.1/app.js HTTP/1.1", 200),
        ("GET http://evil.example/app.js HTTP/1.1", 421),
        ("GET / HTTP/9.9", 505),
        ("GET / / /", 400),
        ("GET", 400),
    ],
)
def test_any_request_line_has_an_answer(
    line: str, status: int, server: WebServer, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = _talk(server, f"{line}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert str(status).encode() in answer[:13]  # without a status line for what is not HTTP/1
    assert capfd.readouterr().err == ""
    assert caplog.messages == []
    assert _ask(server, "/")[0].status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:1234", 200),
        ("192.168.1.7:8000", 200),
        ("[::1]:8000", 200),
        ("localhost:8000", 200),
        ("LOCALHOST.", 200),
        ("mmnet.localhost", 200),
        (f"{socket.gethostname()}:8000", 200),
        (f"{socket.gethostname().partition('.')[0]}.local", 200),
        ("evil.example", 421),
        ("evil.example:8000", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("", 421),
    ],
)
def test_only_requests_that_name_this_machine_are_answered(server: WebServer, host: str, status: int) -> None:
    """A page of another site, whose name leads to this machine, reads neither the page nor the model."""
    for path in ("/", "/model.tflite", "/nothing"):
        response, content = _ask(server, path, Host=host)
        assert response.status == (404 if (status, path) == (200, "/nothing") else status)
        assert (len(content) > 100) == (response.status == 200)


def test_a_request_names_one_host(server: WebServer) -> None:
    two = b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert _talk(server, two).startswith(b"HTTP/1.1 421 ")
    assert _talk(server, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert _talk(server, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


def test_other_names_can_be_allowed(assets: Mapping[str, Asset]) -> None:
    with serving(assets, names=["Phone.Test"]) as running:
        assert _ask(running, "/", Host="phone.test:80")[0].status == 200
        assert _ask(running, "/", Host="other.test")[0].status == 421


def test_the_list_of_sizes_has_the_files_of_the_network(server: WebServer, assets: Mapping[str, Asset]) -> None:
    sizes = json.loads(_ask(server, "/sizes.json")[1])
    assert {"core/core.wasm", "model.tflite", "litert/litert_wasm_threaded_internal.wasm"} < set(sizes)
    assert sizes == {path: len(assets[path].content) for path in sizes}


def test_the_list_for_offline_use_has_every_file_and_its_hash(server: WebServer, assets: Mapping[str, Asset]) -> None:
    script = _ask(server, "/precache.js")[1].decode()
    listed = json.loads(script.removeprefix("self.PRECACHE = ").rstrip(";\n"))
    not_kept = {"icons/icon-512.png", "icons/icon-maskable-512.png", "sizes.json"}
    assert set(listed) == set(assets) - {"", "precache.js", "service-worker.js"} - not_kept
    for path, integrity in listed.items():
        digest = base64.b64encode(hashlib.sha256(assets[path].content).digest()).decode()
        assert integrity == f"sha256-{digest}"


def test_closing_ends_open_connections(assets: Mapping[str, Asset]) -> None:
    with serving(assets) as running:
        kept = http.client.HTTPConnection("127.0.0.1", running.server_port, timeout=PATIENCE)
        kept.request("GET", "/app.js")
        kept.getresponse().read()
        before = kept.sock
    kept.request("GET", "/app.js")
    assert kept.sock is before
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        kept.getresponse()
    kept.close()


def test_a_port_in_use_is_reported(assets: Mapping[str, Asset], server: WebServer) -> None:
    with pytest.raises(WebError, match=f"port {server.server_port} of 127.0.0.1 is in use"):
        WebServer(assets, port=server.server_port)


def test_an_address_of_another_machine_is_reported(assets: Mapping[str, Asset]) -> None:
    with pytest.raises(WebError, match=r"192\.0\.2\.1: cannot be listened on"):
        WebServer(assets, host="192.0.2.1", port=0)


@pytest.mark.parametrize(("host", "url"), [("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:")])
def test_other_addresses(assets: Mapping[str, Asset], host: str, url: str) -> None:
    if ":" in host and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    with serving(assets, host=host) as running:
        assert running.url.startswith(url)
        with urllib.request.urlopen(running.url, timeout=PATIENCE) as response:
            assert response.status == 200


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("NO OPENSSL: HTTPS was not tested; install Debian's openssl")
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def test_https(assets: Mapping[str, Asset], certificate: tuple[Path, Path], capfd: pytest.CaptureFixture[str]) -> None:
    with serving(assets, certificate=certificate[0], key=certificate[1]) as running:
        assert running.url.startswith("https://127.0.0.1:")
        with socket.create_connection(("127.0.0.1", running.server_port), timeout=PATIENCE) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")  # no TLS
            trusting = ssl.create_default_context(cafile=certificate[0])
            with urllib.request.urlopen(running.url, context=trusting, timeout=PATIENCE) as response:
                assert response.read() == assets[""].content
    assert capfd.readouterr().err == ""


def test_a_bad_certificate_is_reported(
    assets: Mapping[str, Asset], certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(WebError, match="no such file"):
        WebServer(assets, port=0, certificate=tmp_path / "none.pem")
    with pytest.raises(WebError, match="is no certificate that fits"):
        WebServer(assets, port=0, certificate=certificate[0])  # no key in it
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("rubbish")
    with pytest.raises(WebError, match=r"rubbish\.pem: is no certificate"):
        WebServer(assets, port=0, certificate=rubbish, key=certificate[1])


def test_the_command_prints_the_address_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    model = tmp_path / "mine.tflite"
    model.write_bytes(default_model())
    command = [Path(sys.executable).with_name("mmnet"), "web", "--port", "0", "--model", model]
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert urlsplit(url).hostname == "127.0.0.1"
            with urllib.request.urlopen(f"{url}model.tflite", timeout=PATIENCE) as response:
                assert response.read() == model.read_bytes()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert process.returncode == 0
    assert out == ""
    assert err.splitlines() == ["Ctrl-C stops the server", "stopped"]


def test_the_command_refuses_bad_models_and_ports(tmp_path: Path, server: WebServer) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(b"no model")
    assert "other.tflite" in error_line(run("mmnet", "web", "--port", 0, "--model", other))
    assert "is in use" in error_line(run("mmnet", "web", "--port", server.server_port))
    usage = run("mmnet", "web", "--key", other)
    assert usage.returncode == 2
    assert "--key goes with --cert" in usage.stderr
