"""The commands around training: `mmnet train`, `mmnet curves`, `mmnet quantize` and `mmnet data`."""
