"""Quantization: which precisions there are, and the photos that 8-bit ranges are measured on."""
