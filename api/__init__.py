"""The Python API: one call for each thing that the command line does, with objects that print well."""

if __name__ != "mmnet.api":
    raise ImportError("import mmnet.api: this folder is a package of mmnet")
