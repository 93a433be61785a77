"""What became of an act whose outcome is unknown, asked of the marketplace: it is the truth of what was done there."""

from decimal import Decimal

from annotator.crowd.marketplaces.mturk.client import Requester, find_named_hit
from annotator.crowd.marketplaces.outcomes import NOT_DONE, MarketplaceRefused, Verdict
from annotator.crowd.models import OutwardAct

State = OutwardAct.State
_ENDED = {"Approved": "ApproveAssignment", "Rejected": "RejectAssignment"}


def find_verdict(act: OutwardAct, *, requester: Requester, token_lives: bool) -> Verdict:
    """What the marketplace shows of this act. A living token makes asking needless where repeating is safe."""
    match act.operation:
        case "CreateHITWithHITType":
            return NOT_DONE if token_lives else _find_hit(act, requester)
        case "CreateAdditionalAssignmentsForHIT":
            return _find_extension(act, requester)
        case "ApproveAssignment" | "RejectAssignment":
            return _find_review(act, requester)
        case "SendBonus":
            return _find_bonus(act, requester)
        case _:  # registering a HIT type, ending a HIT: twice is once
            return NOT_DONE


def explain_refusal(act: OutwardAct, refusal: MarketplaceRefused, *, requester: Requester) -> Verdict:
    """A refusal may mean that an earlier, unanswered call of this same act was done."""
    failed = Verdict(state=State.FAILED, problem=f"{refusal.code}: {refusal}")
    if act.operation == "CreateHITWithHITType" and "AlreadyExists" in refusal.code:
        hit_id = find_named_hit(refusal)
        found = _find_named(hit_id, act, requester) if hit_id else _find_hit(act, requester)
        return (
            found
            if found.is_settled
            else _needs_human(f"The marketplace says the HIT exists and lists none: {refusal}")
        )
    if act.operation == "CreateHITType":
        return failed
    found = find_verdict(act, requester=requester, token_lives=False)
    return found if found.is_settled else failed


def _find_hit(act: OutwardAct, requester: Requester) -> Verdict:
    """The orphan that carries this act's key as its annotation."""
    found = [hit for hit in requester.list_hits() if hit.get("RequesterAnnotation") == act.key]
    if len(found) > 1:
        return _needs_human(f"{len(found)} HITs carry this act's key: {', '.join(hit['HITId'] for hit in found)}.")
    return Verdict(state=State.DONE, response={"HIT": found[0]}) if found else NOT_DONE


def _find_named(hit_id: str, act: OutwardAct, requester: Requester) -> Verdict:
    hit = requester.call("GetHIT", {"HITId": hit_id})["HIT"]
    if hit.get("RequesterAnnotation") != act.key:
        return _needs_human(f"The marketplace named HIT {hit_id} for this act, and that HIT carries another key.")
    return Verdict(state=State.DONE, response={"HIT": hit})


def _find_extension(act: OutwardAct, requester: Requester) -> Verdict:
    """Done when the HIT has as many assignments as this extension was to bring it to."""
    hit = requester.call("GetHIT", {"HITId": act.request["HITId"]})["HIT"]
    is_there = hit["MaxAssignments"] >= int(act.expected["max_assignments"])
    return Verdict(state=State.DONE, response={}) if is_there else NOT_DONE


def _find_review(act: OutwardAct, requester: Requester) -> Verdict:
    status = requester.call("GetAssignment", {"AssignmentId": act.request["AssignmentId"]})["Assignment"][
        "AssignmentStatus"
    ]
    if status not in _ENDED or (status == "Rejected" and act.purpose == "overturn"):
        return NOT_DONE
    if _ENDED[status] == act.operation:
        return Verdict(state=State.DONE, response={})
    return _needs_human(f"The assignment was to be settled by {act.operation}, and the marketplace shows it {status}.")


def _find_bonus(act: OutwardAct, requester: Requester) -> Verdict:
    """A bonus is this act's own when its reason carries the act's key."""
    mark = act.key[:16]
    for bonus in requester.list_bonuses(assignment_id=act.request["AssignmentId"]):
        if mark in bonus.get("Reason", "") and Decimal(bonus["BonusAmount"]) == Decimal(act.request["BonusAmount"]):
            return Verdict(state=State.DONE, response={})
    return NOT_DONE


def _needs_human(problem: str) -> Verdict:
    return Verdict(state=State.NEEDS_HUMAN, problem=problem)
