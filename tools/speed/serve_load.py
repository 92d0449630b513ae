"""Load a running `mmnet serve`, and report its rate, its latencies, and its memory.

    mmnet serve --port 8000 &
    python tools/speed/serve_load.py http://127.0.0.1:8000 photo.jpg --clients 2 --requests 20000
    python tools/speed/serve_load.py http://127.0.0.1:8000 photo.jpg --clients 64 --requests 2000        (overload)

Every client waits for the answer before it sends the next request. Answers of 503 are counted apart: they are what a
busy server owes its clients. The memory is that of all processes of the server, from /proc; name its process with
--pid.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

_HEADERS = {"Content-Type": "application/octet-stream"}


class Load:
    """Clients of one server, and what they saw."""

    def __init__(self, address: str, photo: bytes, query: str, requests: int) -> None:
        """Prepare.

        Args:
            address: HOST:PORT.
            photo: the body of every request.
            query: the parameters of every request, with their question mark; empty: none.
            requests: the number of all requests.
        """
        self._address, self._photo, self._query = address, photo, query
        self._left = requests
        self._lock = threading.Lock()
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []

    def client(self) -> None:
        """Send one request after the other until all are sent."""
        connection = HTTPConnection(self._address, timeout=120)
        while self._take():
            began = time.perf_counter()
            connection.request(
                "POST", f"/matte{self._query}", self._photo, {"Content-Type": "application/octet-stream"}
            )
            answer = connection.getresponse()
            answer.read()
            with self._lock:
                self.statuses[answer.status] += 1
                if answer.status == 200:
                    self.seconds.append(time.perf_counter() - began)
            if answer.status == 503:
                time.sleep(0.05)
        connection.close()

    def run(self, clients: int) -> float:
        """Run that many clients, and return the seconds that all took."""
        threads = [threading.Thread(target=self.client) for _ in range(clients)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began

    def _take(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0


def resident_megabytes(process: int) -> float:
    """Return the resident memory of a process and of all processes below it."""
    pages = 0
    for folder in (Path(f"/proc/{process}/task").iterdir()) if process else ():
        for child in (folder / "children").read_text().split():
            pages += round(resident_megabytes(int(child)) * 256)
    status = Path(f"/proc/{process}/statm")
    return (pages + int(status.read_text().split()[1])) / 256 if status.exists() else 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Load a server with the options of the command line, and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="the server's address, as `mmnet serve` prints it")
    parser.add_argument("photo", type=Path, help="the photo that every request sends")
    parser.add_argument("--query", default="", metavar="TEXT", help="parameters, such as '?background=transparent'")
    parser.add_argument("--clients", type=int, default=2, metavar="N", help="clients at once (2)")
    parser.add_argument("--requests", type=int, default=1000, metavar="N", help="requests in all (1000)")
    parser.add_argument("--pid", type=int, default=0, help="the server's process, to read its memory")
    options = parser.parse_args(arguments)
    load = Load(urlsplit(options.url).netloc, options.photo.read_bytes(), options.query, options.requests)
    before = resident_megabytes(options.pid)
    seconds = load.run(options.clients)
    p50, p99 = np.quantile(load.seconds, (0.5, 0.99)) if load.seconds else (np.nan, np.nan)
    document = {
        "clients": options.clients,
        "statuses": dict(load.statuses),
        "seconds": round(seconds, 2),
        "answered_per_second": round(len(load.seconds) / seconds, 2),
        "p50_ms": round(1000 * p50, 1),
        "p99_ms": round(1000 * p99, 1),
        "resident_mb_before": round(before, 1),
        "resident_mb_after": round(resident_megabytes(options.pid), 1),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main()
