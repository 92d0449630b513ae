"""Training data: layouts, checks, packs, the input pipeline, drawn sequences."""
