"""The .tflite written from the inference graph, without TensorFlow.

- `plan`: the operators of the file with float constants, as plain data.
- `rounding`: the arithmetic of TensorFlow's converter: scales, zero points, weights and biases in 8 bits.
- `integer`: the plan in 8 bits, as a whole or with layers that stay float.
- `calibration`: the ranges of all activations, measured with LiteRT.
- `flat`: the plan as bytes.
- `models`: one function per precision.

The tests compare each file with the one of TensorFlow's converter: operators, shapes, constants and alphas.
"""
