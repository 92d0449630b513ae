"""Parity of two models: how far a quantized model is from its float model, and whether that is accepted.

- `compare`: both models on the same images, and the judgement of the limits.
- `tolerances`: the limits and their default tolerances by precision.
- `layers`: where in the network the two begin to differ.
- `report`: the comparison as a JSON document and as text.
- `page`, `html`: the comparison as one HTML file.
"""
