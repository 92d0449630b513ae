"""The walk from a checkpoint to its inference graph."""

from __future__ import annotations

from mmnet.graph.operators import Graph, training_graph
from mmnet.graph.rewrite import apply_rewrites
from mmnet.network.checkpoint import Checkpoint


def inference_graph(checkpoint: Checkpoint) -> Graph:
    """Return the graph of a checkpoint that is trained in 8 bits and exported: the training graph after all rewritings.

    An export arranges it further (`mmnet.graph.layouts`), which changes no value.

    Raises:
        VariableError: the weights do not belong to the checkpoint's configuration.
    """
    return apply_rewrites(training_graph(checkpoint.config, checkpoint.weights))
