"""Post-training quantization: precisions, recipes, calibration photos, activation ranges, and the sensitivity search.

`precision` lists the precisions that a model can be exported in, `recipe` reads the choice of a precision and of float
layers from a file, `calibration` reads the photos that 8-bit ranges are measured on, `activations` names the 8-bit
activations of the inference graph and measures their ranges, and `sensitivity` searches for the fewest float layers.
"""

if __name__ != "mmnet.quantize":
    raise ImportError("import mmnet.quantize: this folder is a package of mmnet")
