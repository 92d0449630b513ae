"""The ranges of activations, measured by running the float .tflite with LiteRT."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mmnet.arrays import U8Array
from mmnet.export.direct.flat import to_bytes
from mmnet.export.direct.plan import Plan
from mmnet.graph.operators import Graph
from mmnet.quantize.activations import activations
from mmnet.runtime.tflite.layers import MOVERS


def measure_plan(
    graph: Graph, plan: Plan, images: U8Array, *, progress: Callable[[int], None] = lambda done: None
) -> dict[str, tuple[float, float]]:
    """Measure the lowest and highest value of every activation over some images; a range always includes zero.

    The built-in kernels compute, since XNNPACK keeps no tensor in between. They are those of TensorFlow's calibration,
    compiled for other processors: sums of many terms differ in the last bit of float32.

    Args:
        graph: the graph that the plan was made from.
        plan: the float plan.
        images: uint8 [N, size, size, 3], RGB.
        progress: called with the number of images measured so far.

    Returns:
        The name of each range (see `mmnet.quantize.activations.activations`) -> its lowest and highest value.
    """
    names = activations(graph)
    limits = dict.fromkeys(names.values(), (0.0, 0.0))
    interpreter = Interpreter(
        model_content=to_bytes(plan),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
        num_threads=1,
    )
    interpreter.allocate_tensors()
    (image_index,) = (detail["index"] for detail in interpreter.get_input_details())
    # What only moves values gives none that its inputs do not have. The order of the tensors is that of the file.
    computed = {name for op in plan.operators if op.kind not in MOVERS for name in op.outputs}
    measured = [
        (interpreter.tensor(index), names[tensor.node])
        for index, tensor in enumerate(plan.tensors.values())
        if tensor.node in names and tensor.name in computed
    ]
    for done, image in enumerate(images, start=1):
        interpreter.set_tensor(image_index, image[None].astype(np.float32) / np.float32(255))
        interpreter.invoke()
        for view, name in measured:
            low, high = limits[name]
            limits[name] = min(low, float(view().min())), max(high, float(view().max()))
        progress(done)
    return limits
