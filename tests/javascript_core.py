"""The page's JavaScript core: requests to it, and what Python answers to them.

A request is what `answers.mjs` reads. All but frames, which a browser gives in RGB, are those of the Java core.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from typing import Self

import numpy as np
from support import ROOT

from mmnet.runtime import Fit, Orientation, to_model_input
from mmnet.runtime.imaging.preprocess import Bytes

SERVER = ROOT / "tests" / "web" / "answer_server.mjs"
NODE = shutil.which("node")
_FITS = list(Fit)  # in JavaScript's order


@dataclass(frozen=True)
class RgbFrameCase:
    """RGB frame → upright image and model input."""

    frame: Bytes
    orientation: Orientation
    fit: Fit
    size: int

    def request(self) -> bytes:
        """See the module."""
        height, width = self.frame.shape[:2]
        turn = self.orientation
        head = (5, height, width, turn.rotation, turn.mirrored, _FITS.index(self.fit), self.size, self.frame.size)
        return struct.pack(f">{len(head)}i", *head) + self.frame.tobytes()

    def answer(self) -> bytes:
        """What Python computes."""
        image = self.orientation.apply(self.frame)
        return image.tobytes() + to_model_input(np.ascontiguousarray(image), self.size, self.fit).tobytes()


class Node:
    """One node that answers requests."""

    def __init__(self) -> None:
        assert NODE is not None
        self._process = subprocess.Popen([NODE, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, request: bytes) -> bytes:
        """Send a request and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(struct.pack(">i", len(request)) + request)
        self._process.stdin.flush()
        header = self._process.stdout.read(4)
        assert len(header) == 4, "node ended; its stderr says why"
        return self._process.stdout.read(int.from_bytes(header, "big"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
