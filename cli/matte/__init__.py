"""The command `mmnet matte`."""
