"""The graph as TensorFlow operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from mmnet.graph.operators import (
    Concat,
    Conv,
    DepthToSpace,
    Depthwise,
    Graph,
    Image,
    Node,
    Norm,
    Pack,
    PadEdge,
    Relu6,
    Resize,
    Sigmoid,
    Softmax,
    Split,
    Stack,
    Unpack,
    Unstack,
)

# A function of a node and its output that returns what the readers of the node get.
NodeHook: TypeAlias = "Callable[[Node, Any], Any]"


def lower(graph: Graph, image: Any, *, hook: NodeHook = lambda node, value: value) -> Any:
    """Compute `graph` with TensorFlow, eagerly or while a function is traced.

    Args:
        graph: the graph, before or after rewriting.
        image: float32 tensor [N, size, size, 3], RGB in 0-1. Trace with N = 1: with an unknown batch the converter
            keeps the space-to-batch pairs around every dilated convolution.
        hook: called with every node and its output; returns what the readers of the node get.

    Returns:
        The alpha matte, float32 [N, size, size, 1] in 0-1.
    """
    import tensorflow as tf

    values: dict[str, Any] = {}
    splits: dict[str, list[Any]] = {}
    for node in graph.nodes:
        inputs = [values[name] for name in node.inputs]
        x = inputs[0] if inputs else image
        # The converter keeps these names, so that tools can tell which layer of the network an operator belongs to.
        with tf.name_scope(node.name):
            match node.op:
                case Image():
                    y = x
                case Conv(kernel, bias, strides, padding):
                    y = tf.nn.bias_add(tf.nn.conv2d(x, kernel, strides, padding), bias)
                case Depthwise(kernel, bias, stride, dilations):
                    steps = (1, stride, stride, 1)
                    y = tf.nn.bias_add(tf.nn.depthwise_conv2d(x, kernel, steps, "SAME", dilations=dilations), bias)
                case Norm(scale, shift):
                    y = x * scale + shift
                case Relu6():
                    y = tf.nn.relu6(x)
                case Concat():
                    y = tf.concat(inputs, -1)
                case Split(index, parts):
                    # TensorFlow has one operator for all parts.
                    if node.inputs[0] not in splits:
                        splits[node.inputs[0]] = tf.split(x, parts, -1)
                    y = splits[node.inputs[0]][index]
                case Resize(factor, sampling):
                    size = [factor * side for side in x.shape[1:3]]
                    y = tf.raw_ops.ResizeBilinear(images=x, size=size, half_pixel_centers=sampling == "half_pixel")
                case PadEdge(before, after):
                    y = tf.concat([x[:, :1]] * before + [x] + [x[:, -1:]] * after, 1)
                    y = tf.concat([y[:, :, :1]] * before + [y] + [y[:, :, -1:]] * after, 2)
                case DepthToSpace(block):
                    y = tf.nn.depth_to_space(x, block)
                case Pack(columns):
                    _, height, width, channels = x.shape
                    y = tf.reshape(x, (-1, height, width // columns, columns * channels))
                case Unpack(columns):
                    _, height, width, channels = x.shape
                    y = tf.reshape(x, (-1, height, width * columns, channels // columns))
                case Stack():
                    _, height, width, channels = x.shape
                    y = tf.concat([tf.reshape(part, (-1, 1, height * width, channels)) for part in inputs], 1)
                case Unstack(rows):
                    _, _, width, channels = x.shape
                    y = tf.reshape(x, (-1, rows, width // rows, channels))
                case Softmax():
                    y = tf.nn.softmax(x)[..., 1:]
                case Sigmoid():
                    y = tf.sigmoid(x)
            values[node.name] = hook(node, y)
    return values[graph.nodes[-1].name]
