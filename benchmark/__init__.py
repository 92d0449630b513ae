"""Latency and memory of models, on this host and on a phone; accuracy against latency as a figure.

- `candidates` chooses the models that are measured, and the baseline among them.
- `host` measures on this machine, `android` on a phone over adb.
- `latency` summarises many runs and compares two models.
- `document` describes and reads the JSON that holds measurements, and `table` shows one as text.
- `joined` joins measurements with an evaluation of the same models, and `figure` draws the result.

`mmnet.api.benchmarking` is the public interface.
"""

if __name__ != "mmnet.benchmark":
    raise ImportError("import mmnet.benchmark: this folder is a package of mmnet")
