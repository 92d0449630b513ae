"""Core ML models of the inference graph.

- `tools`: coremltools, imported late and without its messages.
- `program`: the operators, as a MIL program.
- `package`: the files of an .mlpackage.
- `interpreter`: the program of an .mlpackage, computed with NumPy, since Core ML itself runs on Apple's systems alone.
- `verified`: the package re-read from the disk, executed and compared.
"""
