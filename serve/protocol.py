"""The connections of a server: HTTP with limits for clients that are many, slow on purpose, or gone without a word."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_CHECKS = 4  # per limit


class LimitedProtocol(H11Protocol):
    """A connection that is cut off if it is one too many, a head takes too long, or nothing of an answer is taken.

    uvicorn closes connections between two requests; the application limits the time that a body takes.
    """

    def __init__(self, *arguments: Any, seconds: float, most: int, **options: Any) -> None:
        """Prepare a connection.

        Args:
            arguments, options: those of uvicorn.
            seconds: how long a head may take to arrive, and a client may leave an answer lying.
            most: how many connections may be open at a time.
        """
        super().__init__(*arguments, **options)
        self._seconds, self._most = seconds, most
        self._head_since: float | None = None  # when the connection, or the first byte of a further request, came
        self._unsent, self._unsent_since = 0, 0.0
        self._check: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the head of the first request, unless too many connections are open."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            transport.abort()
            return
        self._head_since = self.loop.time()
        self._check_later()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._head_since = None
        elif self._head_since is None:
            self._head_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._check is not None:
            self._check.cancel()
        super().connection_lost(exc)

    def _check_later(self) -> None:
        self._check = self.loop.call_later(self._seconds / _CHECKS, self._cut_off_if_slow)

    def _cut_off_if_slow(self) -> None:
        now, unsent = self.loop.time(), self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent:
            self._unsent, self._unsent_since = unsent, now
        waited = max(now - (self._head_since or now), now - self._unsent_since)
        if waited >= self._seconds:
            self.transport.abort()
        else:
            self._check_later()
