"""`mmnet matte`: photos in, mattes or composites out."""


def matte() -> None:
    """Matte photos."""
