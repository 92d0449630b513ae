"""The conversion of a graph by TensorFlow's converter, in each precision but `dynamic`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.export.borders import through_float
from mmnet.export.flatbuffer import read_tree, write_tree
from mmnet.files import temporary_folder
from mmnet.graph.layouts import FLOAT_LAYOUTS, INTEGER_LAYOUTS, Layout, lay_out
from mmnet.graph.lower import NodeHook, lower
from mmnet.graph.operators import Conv, DepthToSpace, Depthwise, Graph, Image, Node, Pack
from mmnet.network.tensorflow import load_tensorflow
from mmnet.quantize.activations import IMAGE_LIMITS, Limits, activations
from mmnet.quantize.calibration import spanning
from mmnet.runtime.tflite.layers import short_name
from mmnet.runtime.tflite.signature import INPUT, OUTPUT, SIGNATURE


class ConversionError(MMNetError):
    """A graph that TensorFlow's converter refused: a defect of this package, or an unsuitable TensorFlow."""

    exit_code = 3


def to_float(graph: Graph, *, layouts: Sequence[Layout] = FLOAT_LAYOUTS) -> bytes:
    """Convert a graph with float32 weights; input `image` and output `alpha` are float32 in 0-1."""
    return convert(lay_out(graph, layouts), lambda converter, tf: None)


def to_float16(graph: Graph) -> bytes:
    """Convert a graph with float16 weights; input, output and arithmetic stay float32."""

    def configure(converter: Any, tf: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]

    return convert(lay_out(graph, FLOAT_LAYOUTS), configure)


def to_int8(
    graph: Graph,
    images: U8Array,
    *,
    input_dtype: str = "uint8",
    layouts: Sequence[Layout] = INTEGER_LAYOUTS,
    progress: Callable[[int], None] = lambda done: None,
) -> bytes:
    """Convert a graph to full-integer 8 bits: per-channel weights, activation ranges measured on `images`.

    Args:
        graph: the inference graph.
        images: uint8 [N, size, size, 3], RGB.
        input_dtype: `uint8` (pixels as they are, alpha bytes) or `float32` (0-1, quantized inside the model).
        layouts: the layouts to apply.
        progress: called with the number of images measured so far.
    """
    graph = lay_out(graph, layouts)
    return convert(graph, lambda converter, tf: configure_int8(converter, tf, images, input_dtype, progress))


def configure_int8(converter: Any, tf: Any, images: U8Array, input_dtype: str, progress: Callable[[int], None]) -> None:
    """Configure a TensorFlow converter for what `to_int8` gives."""

    def representative_dataset() -> Iterator[list[F32Array]]:
        for done, image in enumerate(spanning(images), start=1):
            yield [image[None].astype(np.float32) / np.float32(255)]
            progress(done)

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative_dataset
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.as_dtype(input_dtype)


def to_int8_from_ranges(
    graph: Graph, limits: Limits, *, input_dtype: str = "uint8", layouts: Sequence[Layout] = INTEGER_LAYOUTS
) -> bytes:
    """Convert a graph to full-integer 8 bits with given activation ranges, without photos.

    The operators are those of `to_int8`.

    Args:
        graph: the inference graph.
        limits: the range of every activation; see `mmnet.quantize.activations`.
        input_dtype: dtype of input and output, as for `to_int8`.
        layouts: the layouts to apply.
    """
    graph = lay_out(graph, layouts)
    names = activations(graph)

    def configure(converter: Any, tf: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(input_dtype)

    def fake_quantize(node: Node, value: Any) -> Any:
        tf = load_tensorflow()
        if isinstance(node.op, DepthToSpace):
            # It keeps the scale of its input. Without a range of its own, the converter moves the sigmoid before it,
            # as in `to_int8`.
            return value
        if node.name in names:
            low, high = limits[names[node.name]]
        elif isinstance(node.op, Image | Pack):
            low, high = IMAGE_LIMITS
        else:
            return value
        return tf.quantization.fake_quant_with_min_max_args(value, low, high)

    return convert(_without_uniform_biases(graph), configure, hook=fake_quantize)


def _without_uniform_biases(graph: Graph) -> Graph:
    """Replace one value of every bias with equal values by the next larger float.

    With ranges from fake quantization, the converter (TensorFlow 2.21) quantizes a constant of equal values once, with
    the scale of the first channel, and repeats the integer for the other channels, whose scales differ. The bias of the
    head is such a constant: one value for every pixel of its squares.
    """

    def fixed(node: Node) -> Node:
        if isinstance(node.op, Conv | Depthwise) and len(node.op.bias) > 1 and np.ptp(node.op.bias) == 0:
            bias = node.op.bias.copy()
            bias[0] = np.nextafter(bias[0], np.float32(np.inf))
            return replace(node, op=replace(node.op, bias=bias))
        return node

    return Graph(tuple(map(fixed, graph.nodes)))


def convert(
    graph: Graph, configure: Callable[[Any, Any], None], *, hook: NodeHook = lambda node, value: value
) -> bytes:
    """Convert a graph to a .tflite with the signature `serving_default`: `image` -> `alpha`.

    Args:
        graph: the graph.
        configure: called with the converter and the module `tensorflow` before the conversion; sets the precision.
        hook: changes the outputs of nodes; see `mmnet.graph.lower.lower`.

    Raises:
        ConversionError: TensorFlow's converter refused the graph.
    """
    tf = load_tensorflow()
    image = graph.nodes[0].op
    assert isinstance(image, Image)
    module = tf.Module()
    signature = tf.TensorSpec((1, image.size, image.size, 3), tf.float32, name=INPUT)
    # The weights are constants of the traced function, so there are no variables to freeze.
    module.alpha = tf.function(
        tf.autograph.experimental.do_not_convert(lambda image: {OUTPUT: lower(graph, image, hook=hook)}),
        input_signature=[signature],
    )
    with temporary_folder() as folder:
        tf.saved_model.save(module, str(folder), signatures={SIGNATURE: module.alpha})
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=[SIGNATURE])
        configure(converter, tf)
        try:
            model: bytes = converter.convert()
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ConversionError(f"TensorFlow {tf.__version__} cannot convert the graph: {reason}") from error
    return finished(model)


def finished(model: bytes) -> bytes:
    """Return what the converter made with short tensor names and fast conversions at its ends.

    Inputs and outputs are named as in the signature.

    The converter names the input `serving_default_image:0`, and joins the names of all operators that it fused. Those
    names would be a tenth of an 8-bit file.
    """
    tree = read_tree(model)
    (signature,) = tree.signatureDefs
    for tensor in tree.subgraphs[signature.subgraphIndex].tensors:
        tensor.name = short_name(tensor.name.decode())
    for entry in (*signature.inputs, *signature.outputs):
        tree.subgraphs[signature.subgraphIndex].tensors[entry.tensorIndex].name = entry.name
    through_float(tree)
    return write_tree(tree)
