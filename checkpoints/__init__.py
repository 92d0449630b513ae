"""The trained networks that ship: data only, found by `mmnet.network.resolve`."""
