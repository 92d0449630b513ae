"""The core in C, and how Python calls it.

`library` loads the shared library, and divides the rows of an image among threads. docs/internals/core.md explains the
C sources.
"""
