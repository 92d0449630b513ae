"""Parity: how far a quantized model is from the float one, with limits and a report."""
