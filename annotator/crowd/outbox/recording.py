"""What a settled outward act changes in our own tables; called in the transaction that marks the act as settled."""

from datetime import datetime, timedelta

from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.models import HIT, Assignment, Campaign, Compensation, HITType, OutwardAct, Rejection

# Of an act beside the publication of a campaign: the field of the compensation that keeps the id of what was made.
_COMPENSATES = {Verb.QUALIFY: "qualification_id", Verb.REGISTER: "hit_type_id", Verb.PUBLISH: "hit_id"}


def record_outcome(act: OutwardAct, *, external_id: str) -> None:
    """`external_id`: the marketplace's id of what the act made; empty if it made nothing."""
    hits, assignments = HIT.objects.filter(outward_acts=act), Assignment.objects.filter(outward_acts=act)
    match act.verb:
        case Verb.QUALIFY | Verb.REGISTER | Verb.PUBLISH if act.purpose == "compensation":
            compensation = Compensation.objects.filter(pk=act.expected["compensation"])
            compensation.update(**{_COMPENSATES[Verb(act.verb)]: external_id})
        case Verb.QUALIFY:
            _keep_screening(act, qualification_id=external_id)
        case Verb.REGISTER:
            HITType.objects.filter(pk=act.expected["hit_type"]).update(external_id=external_id)
        case Verb.PUBLISH:
            hits.update(external_id=external_id, state=HIT.State.PUBLISHED, expires_at=_find_end(act))
            # From the first HIT on people answer, and what is left is sent also if the process that began it died.
            quoted = Campaign.objects.filter(pk=act.campaign_id, state=Campaign.State.QUOTED)
            quoted.update(state=Campaign.State.PUBLISHED, published_at=act.done_at)
        case Verb.EXTEND:
            # Locked first: whoever collects now has looked for open HITs before this, or looks after it.
            campaign = Campaign.objects.select_for_update().get(pk=act.campaign_id)
            hits.update(n_assignments=act.expected["max_assignments"], state=HIT.State.PUBLISHED)
            if campaign.state == Campaign.State.COMPLETE:
                Campaign.objects.filter(pk=campaign.pk).update(state=Campaign.State.COLLECTING)
        case Verb.STOP:
            hits.update(state=HIT.State.CANCELED)
        case Verb.PROLONG:
            hits.update(expires_at=datetime.fromisoformat(act.expected["expires_at"]))
        case Verb.APPROVE | Verb.OVERTURN:
            assignments.update(state=Assignment.State.APPROVED)
        case Verb.REJECT:
            assignments.update(state=Assignment.State.REJECTED)
        case _:  # a bonus: its row is its record
            pass


def record_refusal(act: OutwardAct) -> None:
    """A review that was refused or given up was not made: its rejection is a proposal again, or stands again."""
    rejections = Rejection.objects.filter(assignment__outward_acts=act)
    match act.verb:
        case Verb.REJECT:
            rejections.update(confirmed_by="", confirmed_at=None)
        case Verb.OVERTURN:
            rejections.update(overturned_by="", overturned_at=None)
        case _:
            pass


def _find_end(act: OutwardAct) -> datetime | None:
    """When a published HIT expires: its lifetime began when it was first sent. None: written by an earlier release."""
    sent_at = OutwardAct.objects.values_list("sent_at", flat=True).get(pk=act.pk)
    lifetime = act.expected.get("lifetime_seconds")
    return sent_at + timedelta(seconds=lifetime) if sent_at and lifetime else None


def _keep_screening(act: OutwardAct, *, qualification_id: str) -> None:
    campaign = Campaign.objects.select_for_update().get(pk=act.campaign_id)
    screening = campaign.qualifications["screening"] | {"qualification_id": qualification_id}
    campaign.qualifications = campaign.qualifications | {"screening": screening}
    campaign.save(update_fields=["qualifications"])
