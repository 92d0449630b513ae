"""The parts of `tools/fuzz.py`: seeds, mutators, targets, and the processes that the cases run in."""
