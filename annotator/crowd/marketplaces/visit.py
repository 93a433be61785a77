"""One visit of the HIT page, whatever the marketplace."""

from dataclasses import dataclass

from annotator.refusals import Refusal


class VisitRefused(Refusal):
    """The page cannot be shown to this visitor; the sentence is what they read."""

    def __init__(self, sentence: str, *, status: int) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Visit:
    """What the marketplace put into the address. Nobody is at work in a preview."""

    is_preview: bool
    assignment_id: str = ""
    worker_id: str = ""
    submit_origin: str = ""
