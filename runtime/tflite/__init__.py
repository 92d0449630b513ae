"""The contents of a .tflite file, read without running it: operators, metadata, memory, delegation.

The door of this room:

- `file.read_model`: the bytes of a file; `file.check_identifier`: whether bytes claim to be a .tflite.
- `contents.load_model`, `contents.read_graph`: bytes -> operators and tensors, checked so that LiteRT survives them.
- `layers.layers`: the operators that compute, under the names of the network's layers.
- `metadata.read_metadata`: what the file says about itself, with the recipe that it was exported by.
- `inspection.inspect_model`: all of it as one report, with what `delegation.inspect_delegation` and
  `memory_plan.peak_activation_bytes` find.
"""
