"""A program that answers requests on its standard input and output, each preceded by its length (a big-endian int)."""

from __future__ import annotations

import struct
import subprocess
from typing import Self


class RequestServer:
    """A process that answers requests, one after the other."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, request: bytes) -> bytes:
        """Send a request, wait for its answer and return it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(struct.pack(">i", len(request)) + request)
        self._process.stdin.flush()
        header = self._process.stdout.read(4)
        assert len(header) == 4, "the program ended; its standard error gives the reason"
        return self._process.stdout.read(int.from_bytes(header, "big"))

    def close(self) -> int:
        """End the process and return its exit status."""
        self._process.communicate()
        return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
