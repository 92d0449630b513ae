"""What mmnet.runtime makes of photos, step by step: the script that runs on both sides, here and under emulation.

    python observer.py MODEL < requests > answers

A request is a line of JSON, `{"photo": PATH, "into": FOLDER}`; the answer is one, `{"stages": [...]}`, once the arrays
lie in FOLDER as STAGE.npy, or `{"error": TEXT}`. The first line of all tells what runs here. It needs nothing but
mmnet.runtime, which lies beside it.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet.errors import MMNetError
from mmnet.runtime.matter import PortraitMatter
from mmnet.runtime.model import MattingModel
from mmnet.runtime.photos import read_photo
from mmnet.runtime.preprocess import Bytes
from mmnet.runtime.shares import to_alpha_bytes

TOOLS = ("ai-edge-litert", "numpy", "opencv-python-headless")


class _WatchedModel(MattingModel):
    """Keeps what goes through it, as the tensors have it."""

    image: Bytes
    alpha: NDArray[Any]

    def _invoke(self, image: Bytes) -> NDArray[Any]:
        self.image = image
        self.alpha = super()._invoke(image)
        return self.alpha


def _observe(model: _WatchedModel, path: str) -> dict[str, NDArray[Any]]:
    photo = read_photo(path)
    matte = to_alpha_bytes(PortraitMatter(model)(photo))
    return {"photo": photo, "input": model.image, "alpha": model.alpha, "matte": matte}


def _features() -> list[str]:
    """The instruction sets that the kernel reports, if it does in Arm's way."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return next((line.partition(":")[2].split() for line in lines if line.startswith("Features")), [])


def main() -> None:
    """Answer until there is nobody left who asks."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever native libraries print must not get between the answers

    def answer(**fields: Any) -> None:
        print(json.dumps(fields), file=answers)

    try:
        model = _WatchedModel(Path(sys.argv[1]), threads=1)
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
        request = json.loads(line)
        try:
            stages = _observe(model, request["photo"])
        except MMNetError as error:
            answer(error=str(error))
            continue
        for name, array in stages.items():
            np.save(Path(request["into"]) / f"{name}.npy", array, allow_pickle=False)
        answer(stages=list(stages))


if __name__ == "__main__":
    main()
