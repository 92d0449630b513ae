"""The commands that measure: evaluate, parity, arm-parity, sensitivity, benchmark."""
