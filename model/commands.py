"""`mmnet import`."""


def import_checkpoint() -> None:
    """Import a checkpoint."""
