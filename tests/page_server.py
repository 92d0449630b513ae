"""The server of the page, for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmnet.web.content import Asset
from mmnet.web.server import WebServer


@contextmanager
def serving(
    assets: Mapping[str, Asset], *, server_type: type[WebServer] = WebServer, **options: Any
) -> Iterator[WebServer]:
    """Run a server in a thread of its own, on a free port unless `options` names one."""
    settings: dict[str, Any] = {"port": 0, **options}
    with server_type(assets, **settings) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
