"""Data sets to measure on: images and sequences with known mattes."""
