"""The training step of a network with frozen batch norms, compiled from C.

Modules:
    library: the shared library, loaded with ctypes.
    table: the network as a table of operators.
    folding: batch norms folded into kernels, and gradients taken back to the weights.
    step: losses, gradients and alphas.
"""
