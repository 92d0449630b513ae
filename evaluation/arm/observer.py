"""The script that runs mmnet.runtime on photos, stage by stage; it runs on both sides, here and under emulation.

    python observer.py MODEL FIT < requests > answers

A request is a line of JSON, `{"photo": PATH, "into": FOLDER}`. The answer is a line too: `{"stages": [...]}`, once the
arrays are in FOLDER as STAGE.npy, or `{"error": TEXT}`. With `"given": FOLDER`, every stage starts from the arrays of
another observer in that folder, not from this observer's own: a difference then arises in the stage that shows it. The
first line of output describes the machine and the versions. The script needs only mmnet.runtime, which is beside it.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import astuple
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.failures import failure_line
from mmnet.json_reader import parse_json
from mmnet.runtime import (
    Fit,
    MattingModel,
    Orientation,
    Rectangle,
    Upsampling,
    YuvFrame,
    composite,
    estimate_foreground,
    find_crops,
    read_photo,
    to_model_input,
)
from mmnet.runtime.fullres import AlphaU8
from mmnet.runtime.fullres.placing import AlphaPart, upsample_placed
from mmnet.runtime.imaging import Placement, choose_fit, fill_square, place, place_alpha
from mmnet.runtime.tflite.file import read_model
from mmnet.runtime.tflite.probe import trust

TOOLS = ("ai-edge-litert", "numpy", "opencv-python-headless")

Arrays = Mapping[str, AnyArray]
_TURN = Orientation(270, mirrored=True)  # as a front camera has it
_BACKGROUND = (0, 255, 0)


def _frame(photo: U8Array) -> U8Array:
    """Make a camera frame from a photo, upright: Y is the green channel, U and V are every other red and blue."""
    height, width = photo.shape[:2]
    pairs = photo[::2, ::2, ::2]
    data = np.concatenate([photo[..., 1].ravel(), pairs.ravel()])
    return _TURN.apply(YuvFrame.from_nv21(data, height, width).to_rgb())


def _floats(alpha: AnyArray) -> F32Array:
    return np.asarray(alpha if alpha.dtype == np.float32 else alpha / np.float32(255), np.float32)


def _bytes(alpha: AnyArray) -> U8Array:
    return alpha if alpha.dtype == np.uint8 else np.rint(alpha * np.float32(255)).astype(np.uint8)


class _Network:
    """A model, and the fit that photos are brought into its square by."""

    def __init__(self, model: MattingModel, fit: Fit) -> None:
        self.model, self.fit = model, fit

    def first(self, photo: U8Array) -> Placement:
        """Return where a photo lies in the square in the first pass."""
        return place(self.fit, photo.shape[0], photo.shape[1], self.model.size)

    def crops(self, photo: U8Array, alpha: AnyArray) -> AnyArray:
        """Return the parts of a photo that the network sees last: int32 [n, 4], top, left, height and width of each."""
        crops = find_crops(alpha, photo.shape[0], photo.shape[1]) if self.fit is Fit.AUTO else []
        return np.array([astuple(crop) for crop in crops or [self.first(photo).seen]], np.int32)

    def last(self, seen: Arrays) -> list[Placement]:
        """Return where each part of a photo lies in the square in the last pass."""
        crops, first = [Rectangle(*map(int, crop)) for crop in seen["crops"]], self.first(seen["photo"])
        return [first if crop == first.seen else Placement.of_crop(crop, self.model.size) for crop in crops]

    def last_inputs(self, seen: Arrays) -> AnyArray:
        """Return the inputs of the last pass: uint8 [n, S, S, 3]."""
        return np.stack([fill_square(seen["photo"], placement, self.model.size) for placement in self.last(seen)])

    def last_alphas(self, seen: Arrays) -> AnyArray:
        """Return the alphas of the last pass: [n, S, S]."""
        if self.last(seen) == [self.first(seen["photo"])]:  # there is no second pass
            return seen["alpha"][np.newaxis]
        return np.stack([self.model.run_raw(model_input) for model_input in seen["last_inputs"]])

    def image(self, seen: Arrays) -> AnyArray:
        """Return the alpha at the photo's size, interpolated in integers: uint8 [H, W]."""
        height, width = seen["photo"].shape[:2]
        image = np.zeros((height, width), np.uint8)
        for alpha, placement in zip(_bytes(seen["last_alphas"]), self.last(seen), strict=True):
            image |= place_alpha(alpha, placement, height, width)  # no two parts share a pixel
        return image

    def matte(self, seen: Arrays) -> AnyArray:
        """Return the alpha at the photo's size, guided by the photo."""
        arrays = zip(_floats(seen["last_alphas"]), self.last(seen), seen["last_inputs"], strict=True)
        placed = upsample_placed([AlphaPart(*part) for part in arrays], seen["photo"], Upsampling.GUIDED)
        return placed.as_float() if isinstance(placed, AlphaU8) else placed


# The stages after the photo; each is computed from the arrays of earlier stages.
_STAGES: dict[str, Callable[[_Network, Arrays], AnyArray]] = {
    "frame": lambda network, seen: _frame(seen["photo"]),
    "fits": lambda network, seen: np.stack([to_model_input(seen["frame"], network.model.size, fit) for fit in Fit]),
    "input": lambda network, seen: to_model_input(seen["photo"], network.model.size, network.fit),
    "alpha": lambda network, seen: network.model.run_raw(seen["input"]),
    "crops": lambda network, seen: network.crops(seen["photo"], seen["alpha"]),
    "last_inputs": lambda network, seen: network.last_inputs(seen),
    "last_alphas": lambda network, seen: network.last_alphas(seen),
    "image": lambda network, seen: network.image(seen),
    "matte": lambda network, seen: network.matte(seen),
    "foreground": lambda network, seen: estimate_foreground(seen["photo"], seen["matte"]),
    "composite": lambda network, seen: composite(seen["photo"], seen["matte"], _BACKGROUND, estimate_foreground=True),
}


def _observe(network: _Network, path: str, given: Path | None) -> Arrays:
    """Compute every stage of a photo, from the arrays in the folder `given` if there is one."""
    own: dict[str, AnyArray] = {"photo": read_photo(path)}
    seen = own if given is None else {file.stem: np.load(file, allow_pickle=False) for file in given.glob("*.npy")}
    for name, stage in _STAGES.items():
        own[name] = stage(network, seen)
    return own


def _features() -> list[str]:
    """The instruction sets that the kernel reports in the format of Arm; empty on other processors."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return next((line.partition(":")[2].split() for line in lines if line.startswith("Features")), [])


def main() -> None:
    """Answer requests until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # output of native libraries must not mix with the answers

    def answer(**fields: Any) -> None:
        print(json.dumps(fields), file=answers)

    try:
        # `mmnet arm-parity` inspected it. A process for its first run would not be one of this processor.
        content = trust(read_model(Path(sys.argv[1])))
        network = _Network(MattingModel(content, threads=1), choose_fit(sys.argv[2]))
    except MMNetError as error:
        answer(error=str(error))
        return
    answer(
        machine=platform.machine(),
        python=platform.python_version(),
        features=_features(),
        versions={tool: version(tool) for tool in TOOLS},
    )
    for line in sys.stdin:
        request = parse_json(line)
        try:
            stages = _observe(network, request["photo"], Path(request["given"]) if "given" in request else None)
        except Exception as error:
            answer(error=failure_line(error, request["photo"]))
            continue
        for name, array in stages.items():
            np.save(Path(request["into"]) / f"{name}.npy", array, allow_pickle=False)
        answer(stages=list(stages))


if __name__ == "__main__":
    main()
