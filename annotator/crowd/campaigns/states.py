"""Refusals that depend on the state of a campaign."""

from annotator.refusals import Refusal


class CannotPublish(Refusal):
    """The campaign is not in a state to be published, or the marketplace refused it."""
