"""File systems that stores stand on: the folders of this machine, and whatever Arrow or fsspec opens.

Both have the methods of `protocol.FileSystem`. They raise what they meet; `mmnet.batch.store` turns it into a line.
"""

if __name__ != "mmnet.batch.filesystems":
    raise ImportError("import mmnet.batch.filesystems: this folder is a package of mmnet")
