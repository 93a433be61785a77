"""Refusals that depend on the state of a campaign."""


class CannotPublish(Exception):
    """The campaign is not in a state to be published, or the marketplace refused it."""
