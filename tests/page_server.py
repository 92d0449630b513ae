"""The server of the page, for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from support import PATIENCE

from mmnet.web.content import Asset
from mmnet.web.server import WebServer


@contextmanager
def serving(
    assets: Mapping[str, Asset], *, server_type: type[WebServer] = WebServer, **options: Any
) -> Iterator[WebServer]:
    """Run a server in a thread of its own, on a free port unless `options` names one."""
    settings: dict[str, Any] = {"port": 0, **options}
    with server_type(assets, **settings).running(poll_seconds=0.02) as server:
        yield server


class _Held:
    """A stream that sends half of a large file, and the rest when it is released."""

    LARGE = 1_000_000  # bytes; only LiteRT.js has more, compressed

    def __init__(self, stream: Any, released: threading.Event) -> None:
        self.stream, self.released = stream, released

    def write(self, content: bytes) -> None:
        if len(content) > self.LARGE:
            half = len(content) // 2
            self.stream.write(content[:half])
            self.released.wait(PATIENCE)
            content = content[half:]
        self.stream.write(content)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def holding(released: threading.Event) -> type[WebServer]:
    """Return a type of server that sends half of LiteRT.js at first, and the rest when an event is set."""

    class HoldingServer(WebServer):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)

            class Handler(self.RequestHandlerClass):  # type: ignore[name-defined, misc]
                def setup(self) -> None:
                    super().setup()
                    self.wfile: Any = _Held(self.wfile, released)

            self.RequestHandlerClass = Handler  # pyright: ignore[reportAttributeAccessIssue]

    return HoldingServer
