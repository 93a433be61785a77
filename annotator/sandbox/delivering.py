"""Send what waits in the outbox of notifications."""


def wake() -> None:
    """Called after a commit."""
