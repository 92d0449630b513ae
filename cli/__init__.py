"""The command line: `mmnet …` and `export-tflite`, a thin layer over the Python API (`mmnet.api`).

`main` holds the table of commands, and imports the module of a command only when it is used (`lazy`). A command parses
its options, calls the API, and shows the result; only this package prints, and only it imports typer and rich. What
commands share: `options`, `console`, `progress` and `quiet`.
"""

if __name__ != "mmnet.cli":
    raise ImportError("import mmnet.cli: this folder is a package of mmnet")
