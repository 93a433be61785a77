"""What MTurk puts into the address of a HIT page, and where the page's form goes."""

import re
from collections.abc import Mapping, Sequence

from annotator.crowd.marketplaces.marketplace import Published
from annotator.crowd.marketplaces.visit import Visit, VisitRefused

NO_ASSIGNMENT = "ASSIGNMENT_ID_NOT_AVAILABLE"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_visit(query: Mapping[str, str], *, expected: Published, submit_origins: Sequence[str]) -> Visit:
    assignment_id = query.get("assignmentId", NO_ASSIGNMENT)
    if assignment_id in ("", NO_ASSIGNMENT):
        if expected.is_stopped:  # who took it before it was withdrawn may finish, and is paid
            raise VisitRefused("This HIT was withdrawn and cannot be accepted any more.", status=410)
        return Visit(is_preview=True)
    worker_id = query.get("workerId", "")
    if not (_ID.fullmatch(assignment_id) and _ID.fullmatch(worker_id)):
        raise VisitRefused("The marketplace did not say who works on this HIT: please open it from there.", status=400)
    submit_origin = match_submit_origin(query.get("turkSubmitTo", ""), submit_origins)
    if submit_origin is None:
        raise VisitRefused(
            "This page was opened with an address to submit to that is not the marketplace's, so it does not start. "
            "Please open the HIT from the marketplace.",
            status=400,
        )
    if expected.hit_id and query.get("hitId", "") != expected.hit_id:
        raise VisitRefused("This page belongs to another HIT: please open it from the marketplace.", status=404)
    return Visit(is_preview=False, assignment_id=assignment_id, worker_id=worker_id, submit_origin=submit_origin)


def match_submit_origin(turk_submit_to: str, allowed: Sequence[str]) -> str | None:
    """The allowed origin that equals what the page was given, or None. Nothing is parsed, so nothing is fooled."""
    given = turk_submit_to.removesuffix("/")
    return next((origin for origin in allowed if origin == given), None)


def make_submit_url(submit_origin: str) -> str:
    return f"{submit_origin}/mturk/externalSubmit"
