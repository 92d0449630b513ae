"""Engines: what computes the steps of a training.

Modules:
    engine: the interface of an engine.
    trained: the order of the trained weights, and the names of the state that engines save.
    keras_engine: Keras 3, on TensorFlow or JAX.
    compiled_engine: the compiled step, with Adam in NumPy.
"""
