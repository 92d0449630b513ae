"""The trained networks that ship with the package, as data only; `mmnet.network.resolve` finds them."""
