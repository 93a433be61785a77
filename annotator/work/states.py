"""What keeps a step of a campaign or dissection waiting: "" if it makes sense now, a sentence why not, or None if the
subject has no use for it and its page does not name it. Also which states the pages themselves ask for."""

from dataclasses import dataclass

from django.db.models import Case, Exists, OuterRef, Value, When

from annotator.crowd.marketplaces.facts import Verb
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import ANSWERED, GOING, HIT, Assignment, Campaign, OutwardAct
from annotator.labels.models import UnitLabel
from annotator.units.models import GIVEN_UP, Dissection

UNPUBLISHED = "The campaign is not published yet."
CLOSED = "The campaign is closed."
ALL_IN = "All answers are in."


@dataclass(frozen=True)
class Standing:
    """A campaign with what steps wait for. `has_decided`: HITs were sent, or are to be. `has_undecided`: of a complete
    campaign, an answer waits for approval.
    """

    campaign: Campaign
    has_composed: bool
    has_decided: bool
    has_answers: bool
    has_undecided: bool
    has_approved: bool
    has_complete_hits: bool
    has_labels: bool


def find_standing(name: str) -> Standing | None:
    """None: there is no such campaign. One query."""
    given = Assignment.objects.filter(hit__campaign=OuterRef("pk")).order_by()
    decided = OutwardAct.objects.filter(campaign=OuterRef("pk"), verb=Verb.PUBLISH)
    undecided = Exists(given.filter(state=Assignment.State.SUBMITTED))
    facts = {
        "has_composed": Exists(HIT.objects.filter(campaign=OuterRef("pk"), state=HIT.State.COMPOSED)),
        "has_decided": Exists(decided.exclude(state=OutwardAct.State.FAILED)),
        "has_answers": Exists(given.filter(state__in=ANSWERED)),
        # Where nothing waits, this reads every answer; only of a complete campaign does a step ask for it.
        "has_undecided": Case(When(state=Campaign.State.COMPLETE, then=undecided), default=Value(False)),
        "has_approved": Exists(given.filter(state=Assignment.State.APPROVED)),
        "has_complete_hits": Exists(HIT.objects.filter(campaign=OuterRef("pk"), state=HIT.State.COMPLETE)),
        "has_labels": Exists(UnitLabel.objects.filter(campaign=OuterRef("pk"))),
    }
    found = Campaign.objects.filter(name=name).annotate(**facts).first()
    return Standing(found, **{fact: getattr(found, fact) for fact in facts}) if found else None


def is_ready(standing: Standing) -> bool:
    """True if it is quoted and not wholly published."""
    return standing.has_composed and standing.campaign.state in (Campaign.State.QUOTED, *GOING)


def is_draft(campaign: Campaign) -> bool:
    """True if nothing of it was published."""
    return campaign.state in (Campaign.State.DRAFT, Campaign.State.QUOTED) and not campaign.is_imported


def unless_going(standing: Standing) -> str | None:
    """Of a step for HITs that are or were at a marketplace."""
    if standing.campaign.is_imported:
        return None
    if standing.campaign.published_at is None:
        return UNPUBLISHED
    return CLOSED if standing.campaign.state == Campaign.State.CLOSED else ""


def unless_open(standing: Standing) -> str | None:
    """Of a step for HITs that lack answers."""
    waits = unless_going(standing)
    return ALL_IN if waits == "" and standing.campaign.state == Campaign.State.COMPLETE else waits


def unless_taken_back(standing: Standing) -> str | None:
    """Of the step that takes HITs back, also those that a publication left whose process died before it knew of one."""
    waits = unless_open(standing)
    return "" if waits == UNPUBLISHED and standing.has_decided else waits


def unless_submitted(standing: Standing) -> str | None:
    """Of a step that takes answers in and approves them."""
    waits = unless_open(standing)
    if waits != ALL_IN or standing.has_undecided:
        return "" if waits == ALL_IN else waits
    return "All answers are in and decided on."


def unless_answered(standing: Standing) -> str | None:
    """Of a step that reads the answers, imported ones too."""
    waits = "" if standing.campaign.is_imported else unless_going(standing)
    return "Nobody has answered yet." if waits == "" and not standing.has_answers else waits


def unless_approved(standing: Standing) -> str | None:
    """Of a step that adds to the pay of approved work."""
    waits = unless_going(standing)
    return "No answer is approved yet." if waits == "" and not standing.has_approved else waits


def unless_labeled(standing: Standing) -> str | None:
    """Of a step that reads the labels."""
    waits = unless_answered(standing)
    return "The units are not labeled yet." if waits == "" and not standing.has_labels else waits


def unless_finished(standing: Standing) -> str | None:
    """Of a step that asks more about HITs that have all their answers."""
    waits = unless_going(standing)
    if waits == "" and not standing.has_complete_hits:
        return "No HIT has all its answers yet."
    return waits


def unless_adaptive(standing: Standing) -> str | None:
    """Of a step that asks more where people disagree."""
    waits = unless_answered(standing)
    if waits is not None and not standing.campaign.max_assignments:
        return None if standing.campaign.is_imported else "The campaign states no larger number of answers per unit."
    return None if standing.campaign.is_imported else waits


def unless_unclosed(standing: Standing) -> str | None:
    """Of a step for a campaign that may spend, now or later."""
    if standing.campaign.is_imported:
        return None
    return CLOSED if standing.campaign.state == Campaign.State.CLOSED else ""


def unless_draft(standing: Standing) -> str | None:
    """Of a step for a campaign of which nothing was published."""
    if standing.campaign.is_imported:
        return None
    return "" if is_draft(standing.campaign) else "HITs of it were published."


def unless_playing(standing: Standing) -> str | None:
    """Of a step for a campaign that is or was at a marketplace of play money."""
    if standing.campaign.is_imported or open_marketplace(standing.campaign.marketplace).facts.is_real_money:
        return None
    return "" if standing.campaign.published_at is not None else UNPUBLISHED


def unless_unfinished(dissection: Dissection) -> str | None:
    """Of a step that ends a dissection; its page does not name it afterwards."""
    is_over = dissection.state in (*GIVEN_UP, Dissection.State.DONE)
    return None if is_over else ""


def unless_given_up(dissection: Dissection) -> str | None:
    """Of a step that tries a dissection again."""
    return "" if dissection.state in GIVEN_UP else None


def unless_running(dissection: Dissection) -> str | None:
    """Of a step for a dissection that no GPU process works on."""
    return "" if unless_unfinished(dissection) is None else None
