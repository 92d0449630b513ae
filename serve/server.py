"""The server: an application on a socket, until it is stopped."""

from __future__ import annotations

import socket
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from mmnet.closing import Closing
from mmnet.listening import refusal
from mmnet.runtime.model import default_model
from mmnet.runtime.tflite.contents import load_model
from mmnet.serve.application import create_application
from mmnet.serve.errors import ServeError
from mmnet.serve.options import ServerLimits
from mmnet.serve.protocol import LimitedProtocol
from mmnet.serve.workers import WorkerPool

_BACKLOG = 128
_KEEP_ALIVE_SECONDS = 15
_GRACE_SECONDS = 30  # that requests in progress have to end


class MatteServer(Closing):
    """A server of mattes over HTTP. It logs no requests, so that no record of visitors exists.

    if __name__ == "__main__":  # the workers are processes, which import the script once more
        with MatteServer() as server:
            print(server.url)
            server.run()
    """

    def __init__(
        self,
        model: str | Path | bytes | None = None,
        limits: ServerLimits | None = None,
        host: str = "127.0.0.1",
        port: int = 8000,
    ) -> None:
        """Start the workers, and listen.

        Args:
            model: the path or the bytes of a .tflite, or the name of a model that ships; None takes the one that ships.
            limits: what it takes on; None takes those of `ServerLimits()`.
            host: the name or address to listen on.
            port: 0-65535; 0 takes a free port.

        Raises:
            ServeError: the address cannot be listened on, or a worker does not start.
            ModelError: the model cannot be used.
        """
        content = default_model() if model is None else model
        content = content if isinstance(content, bytes) else load_model(Path(content))
        self._host = host
        self._pool = WorkerPool(content, limits or ServerLimits())
        try:
            self._socket = _listen(host, port)
        except BaseException:
            self._pool.close()
            raise
        self._application = create_application(self._pool, content)

    @property
    def url(self) -> str:
        """The address of the server."""
        port = self._socket.getsockname()[1]
        return f"http://[{self._host}]:{port}/" if ":" in self._host else f"http://{self._host}:{port}/"

    @property
    def is_public(self) -> bool:
        """Whether other machines can connect."""
        return not ip_address(self._socket.getsockname()[0]).is_loopback

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM; requests in progress are answered first.

        Raises:
            KeyboardInterrupt: the signal, once all is done, where Python's handler or that of the caller raises it.
        """
        limits = self._pool.limits
        config = uvicorn.Config(
            self._application,
            http=partial(LimitedProtocol, seconds=limits.seconds, most=limits.connections),  # type: ignore[arg-type]
            ws="none",
            log_level="error",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        uvicorn.Server(config).run(sockets=[self._socket])

    def close(self) -> None:
        """Stop to listen, and end the workers."""
        self._socket.close()
        self._pool.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ServeError(refusal(host, port, error)) from error
