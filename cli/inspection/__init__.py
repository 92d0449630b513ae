"""The command `mmnet inspect`."""
