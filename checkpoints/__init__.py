"""The trained networks that ship with the package, as data only; `mmnet.network.resolve` finds them."""

if __name__ != "mmnet.checkpoints":
    raise ImportError("import mmnet.checkpoints: this folder is a package of mmnet")
