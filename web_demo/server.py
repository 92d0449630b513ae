"""The server of the page, over HTTP or HTTPS. It serves nothing else of this machine.

Over HTTP it answers only where the request names this machine. A page of another site could otherwise let its own name
lead to this machine (DNS rebinding) and read the model. Over HTTPS the certificate protects: it is not that site's.
"""

from __future__ import annotations

import re
import ssl
import sys
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from socket import AF_INET6, SHUT_RDWR, gethostname, socket
from socketserver import TCPServer
from typing import Self
from urllib.parse import unquote, urlsplit

from mmnet.failures import failure_line, note
from mmnet.listening import refusal
from mmnet.web.content import HEADERS, Asset
from mmnet.web.errors import WebError

_TIMEOUT = 30  # seconds after which a silent connection is closed


class WebServer(ThreadingHTTPServer):
    """A server of files in memory. It reads no files, so no path can lead to others.

        with WebServer(build(default_model()), port=0) as server:
            print(server.url)
            server.serve_forever()

    Attributes:
        assets: path -> file.
        secure: whether it serves HTTPS.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        assets: Mapping[str, Asset],
        host: str = "127.0.0.1",
        port: int = 8000,
        certificate: Path | None = None,
        key: Path | None = None,
        names: Collection[str] = (),
    ) -> None:
        """Start to listen.

        Args:
            assets: path -> file, from `content.build`.
            host: the name or address to listen on.
            port: 0-65535; 0 takes a free port.
            certificate: a TLS certificate (PEM); None serves plain HTTP.
            key: the key of the certificate (PEM); None where the file of the certificate holds it, too.
            names: further names by which browsers may call this machine. Its addresses, `localhost`, `host` and the
                machine's own name, alone and with `.local`, are always among them.

        Raises:
            WebError: the port is in use or needs more rights, the address is not one of this machine, or the
                certificate cannot be used.
        """
        self.assets = assets
        own = gethostname().lower()
        self._names = {"localhost", host.lower(), own, f"{own.partition('.')[0]}.local", *map(str.lower, names)}
        self._open: set[socket] = set()
        self.secure = certificate is not None
        context = None if certificate is None else _tls(certificate, key)
        if ":" in host:
            self.address_family = AF_INET6
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError, UnicodeError) as error:
            raise WebError(refusal(host, port, error)) from error
        if context is not None:
            # Each connection's own thread does the handshake, so that a silent client does not block the others.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self) -> str:
        """The address of the page. A server on all addresses (0.0.0.0, ::) gives the loopback address."""
        host, port = self.server_address[:2]
        name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(str(host), str(host))
        return f"http{'s' if self.secure else ''}://{f'[{name}]' if ':' in name else name}:{int(port)}/"

    def answers_to(self, host: str) -> bool:
        """Whether a request with this header Host (name or address, perhaps with a port) is meant for this machine."""
        if self.secure:
            return True
        name = host.strip().lower()
        name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0].removesuffix(".")
        try:
            ip_address(name)
        except ValueError:
            return name in self._names or name.endswith(".localhost")
        return True

    def server_bind(self) -> None:
        """Bind to the address. `HTTPServer` would also look up the name of this machine, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        """Remember the connection."""
        assert isinstance(request, socket)
        self._open.add(request)
        super().process_request(request, client_address)

    @contextmanager
    def running(self, poll_seconds: float = 0.5) -> Iterator[Self]:
        """Serve in a thread of its own while the context lasts, and close the server at its end.

        Args:
            poll_seconds: how often the thread looks whether it should end.
        """
        with self:
            thread = threading.Thread(target=self.serve_forever, args=(poll_seconds,))
            thread.start()
            try:
                yield self
            finally:
                self.shutdown()
                thread.join()

    def shutdown_request(self, request: socket | tuple[bytes, socket]) -> None:
        """Forget the connection."""
        assert isinstance(request, socket)
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Close the server and the connections that browsers keep open for later requests."""
        super().server_close()
        for connection in tuple(self._open):
            with suppress(OSError):  # the connection has just ended by itself
                connection.shutdown(SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore the errors of connections (a client that left, spoke no TLS or timed out), and log all others."""
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError):
            note(failure_line(error, "a request"))


class _Handler(BaseHTTPRequestHandler):
    server: WebServer  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"
    timeout = _TIMEOUT
    server_version, sys_version = "mmnet", ""

    def do_GET(self) -> None:
        try:
            url = urlsplit(self.path)
            hosts = [*self.headers.get_all("Host", []), *([url.netloc] if url.scheme else [])]
        except ValueError:  # no URL, such as http://[
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        if not hosts and self.request_version == "HTTP/1.1":  # RFC 9112, 3.2
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        asset = self._asset(url.path)
        if not all(map(self.server.answers_to, hosts)):
            self._plain(HTTPStatus.MISDIRECTED_REQUEST)
        elif asset is None:
            self._plain(HTTPStatus.NOT_FOUND)
        else:
            self._send(asset)

    do_HEAD = do_GET  # noqa: N815 - http.server's own name

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that cannot be served: another method, or a malformed line."""
        self.close_connection = True
        self._plain(HTTPStatus(code))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Log nothing, so that no record of visitors exists."""

    def _asset(self, path: str) -> Asset | None:
        path = unquote(path)
        return self.server.assets.get(path.removeprefix("/")) if path.startswith("/") else None

    def _send(self, asset: Asset) -> None:
        coding, content = asset.encoded(_accepted_codings(self.headers.get_all("Accept-Encoding", [])))
        headers = {"ETag": asset.etag(coding), "Vary": "Accept-Encoding"}
        tags = self.headers.get("If-None-Match", "").split(",")
        if any(tag.strip().removeprefix("W/") in (headers["ETag"], "*") for tag in tags):
            self._answer(HTTPStatus.NOT_MODIFIED, headers)
            return
        if coding:
            headers["Content-Encoding"] = coding
        self._answer(HTTPStatus.OK, {**headers, "Content-Type": asset.content_type}, content)

    def _plain(self, status: HTTPStatus) -> None:
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if status is HTTPStatus.NOT_IMPLEMENTED:
            headers["Allow"] = "GET, HEAD"
        self._answer(status, headers, f"{status.value} {status.phrase}\n".encode())

    def _answer(self, status: HTTPStatus, headers: Mapping[str, str], content: bytes = b"") -> None:
        self.send_response(status)
        # "no-cache": browsers may keep every file, but check each time whether it has changed.
        for name, value in {"Cache-Control": "no-cache", **HEADERS, **headers}.items():
            self.send_header(name, value)
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _accepted_codings(values: Iterable[str]) -> set[str]:
    """Return the content codings that the values of a header Accept-Encoding name and do not refuse with `q=0`."""
    accepted = set()
    for entry in ",".join(values).split(","):
        coding, _, weight = entry.replace(" ", "").lower().partition(";")
        if coding and not re.fullmatch(r"q=0(\.0*)?", weight):
            accepted.add(coding)
    return accepted


def _tls(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for path in filter(None, (certificate, key)):
        if not path.is_file():
            raise WebError(f"{path}: no such file; give a certificate and its key (PEM)")
    try:
        context.load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise WebError(
            f"{certificate}: is no certificate that fits {key or 'a key in the same file'}; give both as PEM, the key "
            "without a password"
        ) from error
    except OSError as error:
        raise WebError(f"{certificate}: cannot be read: {error.strerror}") from error
    return context
