"""What became of an act whose outcome is unknown, asked of the marketplace: it is the truth of what was done there."""

import re
from decimal import Decimal

from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.marketplace import SentAct
from annotator.crowd.marketplaces.mturk.client import MTurkClient
from annotator.crowd.marketplaces.mturk.wire import make_mark
from annotator.crowd.marketplaces.outcomes import Done, MarketplaceRefused, NeedsHuman, NotDone, Outcome
from workers.engine.plurals import say_count

_HIT_ID = re.compile(r"\b[A-Z0-9]{24,40}\b")
_ENDS_AS = {Verb.APPROVE: "Approved", Verb.OVERTURN: "Approved", Verb.REJECT: "Rejected"}


def find_outcome(
    act: SentAct, *, client: MTurkClient, token_lives: bool, refusal: MarketplaceRefused | None
) -> Outcome:
    """What the marketplace shows of this act. A living token makes asking needless if repeating is safe.

    A refusal may mean that an earlier, unanswered call of this same act was done.
    """
    match act.verb:
        case Verb.PUBLISH if refusal is not None and "AlreadyExists" in refusal.code:
            return _find_existing(act, refusal, client)
        case Verb.PUBLISH:
            return NotDone() if token_lives else _find_hit(act, client)
        case Verb.EXTEND:
            return _find_extension(act, client)
        case Verb.APPROVE | Verb.REJECT | Verb.OVERTURN:
            return _find_review(act, client)
        case Verb.PAY_BONUS:
            return _find_bonus(act, client)
        case Verb.REGISTER | Verb.STOP | Verb.PROLONG | Verb.QUALIFY:  # twice is once
            return NotDone()


def _find_existing(act: SentAct, refusal: MarketplaceRefused, client: MTurkClient) -> Outcome:
    """The HIT that a HitAlreadyExists refusal tells of: by its id if it is named, else by its annotation."""
    named = set(_HIT_ID.findall(str(refusal)))
    if len(named) != 1:
        found = _find_hit(act, client)
        missing = NeedsHuman(f"The marketplace says the HIT exists and lists none: {refusal}")
        return missing if isinstance(found, NotDone) else found
    (hit_id,) = named
    hit = client.call("GetHIT", {"HITId": hit_id})["HIT"]
    if hit.get("RequesterAnnotation") != act.key:
        return NeedsHuman(f"The marketplace named HIT {hit_id} for this act, and that HIT carries another key.")
    return Done(external_id=hit_id)


def _find_hit(act: SentAct, client: MTurkClient) -> Outcome:
    """The orphan that carries this act's key as its annotation."""
    found = [hit["HITId"] for hit in client.list_all("ListHITs", "HITs") if hit.get("RequesterAnnotation") == act.key]
    if len(found) > 1:
        return NeedsHuman(f"{say_count(len(found), 'HIT carries', 'HITs carry')} this act's key: {', '.join(found)}.")
    return Done(external_id=found[0]) if found else NotDone()


def _find_extension(act: SentAct, client: MTurkClient) -> Outcome:
    """Done if the HIT has as many assignments as this extension was to bring it to."""
    hit = client.call("GetHIT", {"HITId": act.request["HITId"]})["HIT"]
    return Done() if hit["MaxAssignments"] >= int(act.expected["max_assignments"]) else NotDone()


def _find_review(act: SentAct, client: MTurkClient) -> Outcome:
    query = {"AssignmentId": act.request["AssignmentId"]}
    status = client.call("GetAssignment", query)["Assignment"]["AssignmentStatus"]
    if status == _ENDS_AS[act.verb]:
        return Done()
    if status == "Submitted" or (status == "Rejected" and act.verb == Verb.OVERTURN):
        return NotDone()
    return NeedsHuman(f"The decision was to {act.verb} the assignment, and the marketplace shows it {status}.")


def _find_bonus(act: SentAct, client: MTurkClient) -> Outcome:
    """A bonus is this act's own if its reason carries the act's key, also if the act was decided again since then."""
    amount = Decimal(act.request["BonusAmount"])
    for bonus in client.list_all("ListBonusPayments", "BonusPayments", AssignmentId=act.request["AssignmentId"]):
        if make_mark(act.key) in bonus.get("Reason", ""):
            paid = Decimal(bonus["BonusAmount"])
            differs = NeedsHuman(f"The marketplace shows that ${paid} was paid, not ${amount}.")
            return Done() if paid == amount else differs
    return NotDone()
