"""The array types that signatures name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

AnyArray = NDArray[Any]
U8Array = NDArray[np.uint8]
F32Array = NDArray[np.float32]
# An alpha matte: float32 [H, W] in 0-1, where 1 is the foreground.
Alpha = F32Array
