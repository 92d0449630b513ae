"""The network MMNet: its configuration, structure and variables, and the checkpoints that hold them.

`blocks` describes the network once; Keras layers (`keras_network`), variable shapes (`variables`) and the graph of
`mmnet.graph` are all built from it. `checkpoint` reads and writes checkpoints, `tfslim` reads those of the original
code, `resolve` finds the checkpoint that a user names, and `average` averages several.
"""

if __name__ != "mmnet.network":
    raise ImportError("import mmnet.network: this folder is a package of mmnet")
