"""The walk from a checkpoint to its inference graph."""

from __future__ import annotations

from mmnet.graph.operators import Graph, training_graph
from mmnet.graph.rewrite import apply_rewrites
from mmnet.network.checkpoint import Checkpoint


def inference_graph(checkpoint: Checkpoint) -> Graph:
    """Return the graph that a checkpoint is exported as: the training graph after all rewritings.

    Raises:
        VariableError: the weights do not belong to the checkpoint's configuration.
    """
    return apply_rewrites(training_graph(checkpoint.config, checkpoint.weights))
