"""The contract of a matting model: an RGB square in, an alpha square out.

| tensor of signature `serving_default` | shape | dtype | values |
|---|---|---|---|
| input `image` | [1, S, S, 3] | uint8 (scale 1/255, zero point 0, or none) | RGB, 0-255 |
| | | float32 | RGB, 0-1 |
| output `alpha` | [1, S, S, 1] | uint8 (scale 1/256 or 1/255, zero point 0, or none) | 0-255 |
| | | float32 | 0-1 |

Alpha bytes are fractions of 255, as in every image format: the matte is byte / 255, and 255 is opaque. The scale that
the model stores is 1/256, because an int8 sigmoid has that scale and no other; taken literally, nothing would ever be
wholly opaque. The two readings differ by at most 1/256.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.signature import INPUT, OUTPUT, SIGNATURE

_INPUT_SCALES, _OUTPUT_SCALES = (1 / 255,), (1 / 256, 1 / 255)
_SCALE_TOLERANCE = 1e-3  # relative: a quarter of a grey level at 255
_ACCEPTED = (
    f"accepted is signature '{SIGNATURE}' with input '{INPUT}' [1, S, S, 3] uint8 (scale 1/255) or float32 "
    f"and output '{OUTPUT}' [1, S, S, 1] uint8 (scale 1/256) or float32"
)


@dataclass(frozen=True)
class Endpoints:
    """The input and the output of a model.

    Attributes:
        image: the index of the input tensor, [1, S, S, 3].
        alpha: the index of the output tensor, [1, S, S, 1].
        size: S, the side of both, in pixels.
    """

    image: int
    alpha: int
    size: int


def check_contract(interpreter: Interpreter, name: str) -> Endpoints:
    """Check the signature of a model, and find its input and output.

    Args:
        interpreter: holds the model; its tensors need not be allocated.
        name: what messages call the model.

    Raises:
        ModelError: the model has another signature, shape, dtype or scale.
    """
    signatures = interpreter.get_signature_list()
    if SIGNATURE not in signatures:
        found = ", ".join(f"'{key}'" for key in sorted(signatures)) or "none"
        raise ModelError(f"{name}: its signatures are {found}; {_ACCEPTED}")
    signature = signatures[SIGNATURE]
    if signature["inputs"] != [INPUT] or signature["outputs"] != [OUTPUT]:
        found = f"inputs {signature['inputs']} and outputs {signature['outputs']}"
        raise ModelError(f"{name}: signature '{SIGNATURE}' has {found}; {_ACCEPTED}")

    runner = interpreter.get_signature_runner(SIGNATURE)
    image, alpha = runner.get_input_details()[INPUT], runner.get_output_details()[OUTPUT]
    if [tensor["index"] for tensor in interpreter.get_input_details()] != [image["index"]]:
        raise ModelError(f"{name}: signature '{SIGNATURE}' is not of its first subgraph; {_ACCEPTED}")

    size = int(image["shape_signature"][1]) if len(image["shape_signature"]) == 4 else 0
    _check_tensor(f"{name}: input '{INPUT}'", image, [1, size, size, 3], _INPUT_SCALES)
    _check_tensor(f"{name}: output '{OUTPUT}'", alpha, [1, size, size, 1], _OUTPUT_SCALES)
    return Endpoints(int(image["index"]), int(alpha["index"]), size)


def _check_tensor(name: str, tensor: dict[str, Any], shape: list[int], scales: tuple[float, ...]) -> None:
    found_shape = [int(length) for length in tensor["shape_signature"]]
    dtype, (scale, zero_point) = np.dtype(tensor["dtype"]), tensor["quantization"]
    found = f"{name} is {found_shape} {dtype}"
    if found_shape != shape or shape[1] < 1 or dtype not in (np.uint8, np.float32):
        raise ModelError(f"{found}; {_ACCEPTED}")
    close = any(abs(scale - accepted) <= _SCALE_TOLERANCE * accepted for accepted in scales)
    if dtype == np.uint8 and scale != 0 and not (close and zero_point == 0):
        raise ModelError(f"{found} with scale {scale:.6g} and zero point {zero_point}; {_ACCEPTED}")
