"""Review policies: what a HIT's policies find in its answers, and the approvals, rejections and extensions they ask for."""

import datetime as dt

from annotator.sandbox.models import HIT, Assignment


def review_assignment(assignment: Assignment, *, now: dt.datetime) -> None:
    """Called at a submission, in its transaction."""


def review_hit(hit: HIT, *, now: dt.datetime) -> None:
    """Called when a HIT becomes reviewable, in that transaction."""
