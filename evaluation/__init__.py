"""Measurements of matting models: accuracy on photos and videos, parity of two models, and identity on Arm.

The package needs NumPy, OpenCV and LiteRT, not TensorFlow, and prints nothing. `mmnet.api.evaluating` and
`mmnet.api.comparing` are its public functions; the modules are:

- `metrics`: one function per metric, for one image.
- `figures`: the rows of a report: which metric is computed at which size.
- `resize`: the resizes by which photos, mattes and alphas come to those sizes.
- `statistics`: mean, deviation and bootstrap interval over images.
- `machine`: the description of this machine and of the versions.
- `models`: what can be measured: our .tflite files, checkpoints converted to one, and MediaPipe's segmenter.
- `evaluate`: every model on every image.
- `report`: results as a JSON document and as Markdown.
- `sheet`: photos, mattes and composites side by side in one image.
- `datasets`: photos and frame sequences with their alpha mattes on disk.
- `video`: metrics over time, and models on frame sequences.
- `release`: models on several data sets, judged by limits.
- `parity`: a quantized model against its float model, with tolerances and an HTML report.
- `arm`: the runtime on emulated Arm processors against this machine, byte for byte.
"""

if __name__ != "mmnet.evaluation":
    raise ImportError("import mmnet.evaluation: this folder is a package of mmnet")
