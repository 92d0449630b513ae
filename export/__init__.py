"""Export: a checkpoint becomes a verified .tflite with its metadata and recipe.

The room between the inference graph and the file: `exporter` runs the steps, `convert` makes the bytes of a precision,
`verify` checks them, `model` is the result.
"""

if __name__ != "mmnet.export":
    raise ImportError("import mmnet.export: this folder is a package of mmnet")
