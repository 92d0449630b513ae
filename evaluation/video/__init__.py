"""Mattes over time: how accurate and how stable they are on sequences whose mattes are known.

- `metrics`: dtSSD and MESSDdt, for two frames.
- `evaluate`: every model on every sequence, frame by frame and with temporal smoothing.
- `report`: results as a JSON document and as Markdown.
"""
