"""Requests to the page's JavaScript core, Python's answers to them, and a node process that answers them in JavaScript.

`request_handler.mjs` reads the requests. They are those of the Java core, except that a browser gives frames in RGB.
"""

from __future__ import annotations

import shutil
import struct
from dataclasses import dataclass

import numpy as np
from request_server import RequestServer
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


class Node(RequestServer):
    """A node process that answers requests with the JavaScript core."""

    def __init__(self) -> None:
        assert NODE is not None
        super().__init__(NODE, str(SERVER))
