"""The inference graph: the network as plain data, rewritten to run fast.

A checkpoint becomes the graph of the network as it was trained (`operators`), then the graph that is exported
(`rewrite`; both steps are `inference.inference_graph`). An export arranges it for the kernels (`layouts`), and turns it
into TensorFlow operators (`lower`). Training in 8 bits goes the other way: `invert` turns trained kernels of the
inference graph into variables of a checkpoint.
"""

if __name__ != "mmnet.graph":
    raise ImportError("import mmnet.graph: this folder is a package of mmnet")
