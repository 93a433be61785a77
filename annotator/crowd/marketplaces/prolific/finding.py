"""What became of an act at Prolific whose outcome is unknown, or that it refused just now."""

from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.marketplace import JSON, SentAct
from annotator.crowd.marketplaces.outcomes import Done, MarketplaceRefused, NeedsHuman, NotDone, Outcome
from annotator.crowd.marketplaces.prolific.client import ProlificClient

DRAFT = "UNPUBLISHED"
ENDED = {"AWAITING REVIEW", "COMPLETED"}
_ENDS_AS = {Verb.APPROVE: {"APPROVED", "PARTIALLY APPROVED"}, Verb.REJECT: {"REJECTED"}}


def find_outcome(act: SentAct, *, client: ProlificClient, refusal: MarketplaceRefused | None) -> Outcome:
    """A bonus of unknown outcome waits for a person: paying it again could pay it twice."""
    match act.verb:
        case Verb.PUBLISH:
            study = find_study(client, key=act.key)
            return NotDone() if study is None or study["status"] == DRAFT else Done(external_id=str(study["id"]))
        case Verb.EXTEND:
            study = client.get(f"studies/{act.request['study_id']}/")
            wanted = act.request["total_available_places"]
            return Done() if study["total_available_places"] >= wanted else NotDone()
        case Verb.STOP:
            return Done() if client.get(f"studies/{act.request['study_id']}/")["status"] in ENDED else NotDone()
        case Verb.APPROVE | Verb.REJECT:
            return _find_review(act, client)
        case Verb.PAY_BONUS if refusal is None:
            return _ask_about_bonus(act, client)
        case _:
            return NotDone()


def find_study(client: ProlificClient, *, key: str) -> JSON | None:
    """The study that carries our key as its internal name: whole, as Prolific shows one study."""
    for row in client.list_all("studies/"):
        if row.get("internal_name") == key:
            return client.get(f"studies/{row['id']}/")
    return None


def _find_review(act: SentAct, client: ProlificClient) -> Outcome:
    status = client.get(f"submissions/{act.request['submission_id']}/")["status"]
    if status in _ENDS_AS[act.verb]:
        return Done()
    if status == "AWAITING REVIEW":
        return NotDone()
    return NeedsHuman(f"The decision was to {act.verb} the submission, and Prolific shows it {status}.")


def _ask_about_bonus(act: SentAct, client: ProlificClient) -> Outcome:
    """Prolific pays within minutes, and does not say which request a bonus came from."""
    paid = client.get(f"submissions/{act.request['submission_id']}/").get("bonus_payments") or []
    shown = ", ".join(f"${int(cents) / 100:.2f}" for cents in paid) or "none"
    return NeedsHuman(
        f"No answer came to the bonus of ${act.request['amount']} for submission {act.request['submission_id']}, and "
        f"it is never sent again by itself. Bonuses that Prolific shows for it now: {shown}; they appear within "
        "minutes. Look at Prolific, then say what happened (settle-payment)."
    )
