"""Quantization-aware training: a checkpoint learns to compute well in 8 bits.

The 8-bit simulation of the inference graph learns from the labels and from the float network that it came from. The
batch norms are folded into the kernels and so frozen from the first step: their moving statistics are settled in a
trained network, and the 8-bit network has no norms.

Modules:
    recipe: the recipe of these runs.
    ranges: measurement of the ranges that a run begins with.
    loop: the training loop.
    simulation: the inference graph as a model that rounds as 8-bit arithmetic does, with tensorflow-model-optimization.
    keras_simulation, fake_quantization: the same in Keras 3 alone, on any backend.
"""
