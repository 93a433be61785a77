"""What MTurk puts into the address of a HIT page."""

import re
from collections.abc import Mapping

from annotator.crowd.marketplaces.marketplace import Marketplace
from annotator.crowd.marketplaces.mturk.wire import NO_ASSIGNMENT
from annotator.crowd.marketplaces.visit import Visit, VisitRefused
from annotator.crowd.models import HIT

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_visit(parameters: Mapping[str, str], *, hit: HIT, marketplace: Marketplace) -> Visit:
    assignment_id = parameters.get("assignmentId", NO_ASSIGNMENT)
    if assignment_id in ("", NO_ASSIGNMENT):
        if hit.state == HIT.State.CANCELED:  # who took it before it was withdrawn may finish, and is paid
            raise VisitRefused("This HIT was withdrawn and cannot be accepted any more.", status=410)
        return Visit(is_preview=True)
    worker_id = parameters.get("workerId", "")
    if not (_ID.fullmatch(assignment_id) and _ID.fullmatch(worker_id)):
        raise VisitRefused("The marketplace did not say who works on this HIT: please open it from there.", status=400)
    submit_origin = marketplace.match_submit_origin(parameters.get("turkSubmitTo", ""))
    if submit_origin is None:
        raise VisitRefused(
            "This page was opened with an address to submit to that is not the marketplace's, so it does not start. "
            "Please open the HIT from the marketplace.",
            status=400,
        )
    if hit.external_id and parameters.get("hitId", "") != hit.external_id:
        raise VisitRefused("This page belongs to another HIT: please open it from the marketplace.", status=404)
    return Visit(is_preview=False, assignment_id=assignment_id, worker_id=worker_id, submit_origin=submit_origin)
