"""`python -m mmnet`: the same as the command `mmnet`."""

from __future__ import annotations

from mmnet.cli.main import main

main()
