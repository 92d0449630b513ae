"""Requests to the page's JavaScript core, Python's answers to them, and a node process that answers them in JavaScript.

`request_handler.mjs` reads the requests. They are those of the Java core, except that a browser gives frames in RGB.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from typing import Self

import numpy as np
from support import ROOT

from mmnet.arrays import U8Array
from mmnet.runtime import Fit, Orientation, to_model_input

SERVER = ROOT / "tests" / "web" / "request_server.mjs"
NODE = shutil.which("node")
_FITS = list(Fit)  # in the order of the JavaScript core


@dataclass(frozen=True)
class RgbFrameCase:
    """The conversion of an RGB frame to the upright image and the model input."""

    frame: U8Array
    orientation: Orientation
    fit: Fit
    size: int

    def request(self) -> bytes:
        """Return the bytes that `request_handler.mjs` reads."""
        height, width = self.frame.shape[:2]
        turn = self.orientation
        head = (5, height, width, turn.rotation, turn.mirrored, _FITS.index(self.fit), self.size, self.frame.size)
        return struct.pack(f">{len(head)}i", *head) + self.frame.tobytes()

    def answer(self) -> bytes:
        """Return what the Python runtime computes: the image, then the model input."""
        image = self.orientation.apply(self.frame)
        return image.tobytes() + to_model_input(np.ascontiguousarray(image), self.size, self.fit).tobytes()


class Node:
    """A node process that answers requests with the JavaScript core."""

    def __init__(self) -> None:
        assert NODE is not None
        self._process = subprocess.Popen([NODE, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, request: bytes) -> bytes:
        """Send a request, wait for its answer and return it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(struct.pack(">i", len(request)) + request)
        self._process.stdin.flush()
        header = self._process.stdout.read(4)
        assert len(header) == 4, "node ended; its standard error gives the reason"
        return self._process.stdout.read(int.from_bytes(header, "big"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
