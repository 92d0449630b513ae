"""The numbers that `GET /metrics` shows, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counters of one server."""

    def __init__(self, replaced: Callable[[], int]) -> None:
        """Begin with zeros.

        Args:
            replaced: returns how many worker processes were replaced.
        """
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "mmnet_requests", "Requests for mattes, by the status of the answer.", ["status"], registry=self._registry
        )
        self._seconds = Histogram(
            "mmnet_request_seconds",
            "Seconds from the head of a request to its answer.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._current = Gauge(
            "mmnet_requests_in_progress", "Requests that are worked on, or wait.", registry=self._registry
        )
        workers = Gauge(
            "mmnet_workers_replaced", "Worker processes that crashed or were killed.", registry=self._registry
        )
        workers.set_function(replaced)

    def count(self, status: int) -> None:
        """Count an answered request."""
        self._requests.labels(str(status)).inc()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Measure a request while the context lasts."""
        with self._current.track_inprogress(), self._seconds.time():
            yield

    def text(self) -> bytes:
        """Return all numbers."""
        return generate_latest(self._registry)
