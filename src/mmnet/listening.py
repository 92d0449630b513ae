"""The line for a server that cannot listen at its address."""

from __future__ import annotations

import errno


def refusal(host: str, port: int, error: Exception) -> str:
    """Return the line that says why an address cannot be listened on, and what to do.

    Args:
        host: the name or address.
        port: 0-65535.
        error: what the system raised.
    """
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; name another with port=N, or take a free one with port=0"
    if number == errno.EACCES:
        return f"port {port} of {host} needs more rights; name one from 1024 up with port=N"
    return f"{host}: cannot be listened on ({error}); name an address of this machine with host=ADDRESS"
