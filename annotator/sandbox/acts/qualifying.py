"""Whether a person meets a HIT type's requirements: by qualifications they hold and those the marketplace computes."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from annotator.sandbox.models import HITType, Person, Qualification
from annotator.sandbox.rules.states import AssignmentState

LOCALE = "00000000000000000071"
PERCENT_APPROVED = "000000000000000000L0"
N_APPROVED = "00000000000000000040"
ADULT = "00000000000000000060"
MASTERS = "2F1QJWKUDD8XADTFD2Q0G6UTO95ALH"
MASTERS_IN_SANDBOX = "2ARFPLSP75KLA8M8DH1HTEQVJT3SY6"
COMPUTED = {
    LOCALE: "Worker_Locale",
    PERCENT_APPROVED: "Worker_PercentAssignmentsApproved",
    N_APPROVED: "Worker_NumberHITsApproved",
    ADULT: "Worker_Adult",
    MASTERS: "Masters",
    MASTERS_IN_SANDBOX: "Masters",
}
# As at Amazon: a person who has not yet had this much work judged counts as approved in all of it.
FULL_TRUST_UNTIL = 100
GUARDS = {
    "Discover": ("DiscoverPreviewAndAccept",),
    "Preview": ("DiscoverPreviewAndAccept", "PreviewAndAccept"),
    "Accept": ("DiscoverPreviewAndAccept", "PreviewAndAccept", "Accept"),
}


@dataclass(frozen=True)
class Held:
    """A person's value of a qualification: a number or a place; neither if they do not hold it."""

    value: int | None = None
    country: str = ""
    subdivision: str = ""

    @property
    def exists(self) -> bool:
        return self.value is not None or bool(self.country)


def first_unmet(hit_type: HITType, *, person: Person, action: str, now: dt.datetime) -> str:
    """The first requirement that forbids this person `action` (a key of GUARDS), as a sentence; empty if none does."""
    for requirement in hit_type.requirements:
        if guard(requirement) in GUARDS[action] and not is_met(requirement, held=find_held(person, requirement)):
            name = COMPUTED.get(requirement["QualificationTypeId"], requirement["QualificationTypeId"])
            return f"You do not meet a requirement of this HIT: {name} {requirement['Comparator']}."
    return ""


def guard(requirement: dict[str, Any]) -> str:
    """ActionsGuarded, or the value that the older RequiredToPreview stands for."""
    if requirement.get("ActionsGuarded"):
        return str(requirement["ActionsGuarded"])
    return "PreviewAndAccept" if requirement.get("RequiredToPreview") else "Accept"


def find_held(person: Person, requirement: dict[str, Any]) -> Held:
    type_id = requirement["QualificationTypeId"]
    if type_id in COMPUTED:
        return compute(person, type_id)
    granted = Qualification.objects.filter(type__mturk_id=type_id, person=person, is_revoked=False).first()
    return Held(value=granted.value) if granted else Held()


def compute(person: Person, type_id: str) -> Held:
    """The marketplace's own qualifications. Nobody here is a Master; everybody confirmed at sign-up to be of age."""
    if type_id == LOCALE:
        return Held(country=person.country, subdivision=person.subdivision)
    if type_id == ADULT:
        return Held(value=1)
    n_approved = person.assignments.filter(state=AssignmentState.APPROVED).count()
    if type_id == N_APPROVED:
        return Held(value=n_approved)
    if type_id == PERCENT_APPROVED:
        n_judged = n_approved + person.assignments.filter(state=AssignmentState.REJECTED).count()
        return Held(value=100 if n_judged < FULL_TRUST_UNTIL else 100 * n_approved // n_judged)
    return Held()


def is_met(requirement: dict[str, Any], *, held: Held) -> bool:
    comparator = requirement["Comparator"]
    if comparator in ("Exists", "DoesNotExist"):
        return bool(held.exists == (comparator == "Exists"))
    if not held.exists:
        return False
    if requirement.get("LocaleValues"):
        return _compare_places(comparator, requirement["LocaleValues"], held=held)
    assert held.value is not None
    return _compare_numbers(comparator, requirement.get("IntegerValues") or [], value=held.value)


def _compare_places(comparator: str, places: list[dict[str, str]], *, held: Held) -> bool:
    is_one_of = any(
        place["Country"] == held.country and place.get("Subdivision", held.subdivision) == held.subdivision
        for place in places
    )
    return is_one_of == (comparator in ("EqualTo", "In"))


def _compare_numbers(comparator: str, values: list[int], *, value: int) -> bool:
    if comparator in ("In", "NotIn"):
        return (value in values) == (comparator == "In")
    wanted = values[0]
    return {
        "LessThan": value < wanted,
        "LessThanOrEqualTo": value <= wanted,
        "GreaterThan": value > wanted,
        "GreaterThanOrEqualTo": value >= wanted,
        "EqualTo": value == wanted,
        "NotEqualTo": value != wanted,
    }[comparator]
