"""Videos and cameras: reading, writing, streaming, temporal smoothing."""
