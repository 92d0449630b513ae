"""ONNX models of the inference graph.

- `nodes`: the operators.
- `file`: the bytes, in float32 or in 8 bits.
- `verified`: the file re-read from the disk, executed and compared.
"""
