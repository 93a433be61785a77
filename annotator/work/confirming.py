"""What cannot be undone is said twice: a switch at the command line, a box to tick on a page."""

from annotator.refusals import Refusal


class NotConfirmed(Refusal):
    """The act cannot be undone, and nobody said that it is meant."""


def check_confirmed(is_confirmed: bool, *, what: str) -> None:
    """`what`: one sentence that says what will be gone. Raises NotConfirmed."""
    if not is_confirmed:
        raise NotConfirmed(f"{what} This cannot be undone. Confirm it: --yes at the command line, or tick the box.")
