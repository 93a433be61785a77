"""Whether a person meets a HIT type's requirements: by qualifications they hold and those the marketplace computes."""

import math
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, gettext_noop

from annotator.sandbox.acts.standing import Standing
from annotator.sandbox.models import HITType

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
COMPUTED_IN_WORDS = {
    LOCALE: gettext_noop("Where you live"),
    PERCENT_APPROVED: gettext_noop("The share of your work that was approved, in percent,"),
    N_APPROVED: gettext_noop("The number of your approved HITs"),
    ADULT: gettext_noop("Your confirmation that you are of age"),
    MASTERS: gettext_noop("Your standing as a Master"),
    MASTERS_IN_SANDBOX: gettext_noop("Your standing as a Master"),
}
# Of a qualification that has none of these words, `what` is "Your value of NAME".
COMPARATORS = {
    "LessThan": gettext_noop("{what} must be less than {values}."),
    "LessThanOrEqualTo": gettext_noop("{what} must be at most {values}."),
    "GreaterThan": gettext_noop("{what} must be more than {values}."),
    "GreaterThanOrEqualTo": gettext_noop("{what} must be at least {values}."),
    "EqualTo": gettext_noop("{what} must be {values}."),
    "NotEqualTo": gettext_noop("{what} must not be {values}."),
    "In": gettext_noop("{what} must be one of {values}."),
    "NotIn": gettext_noop("{what} must be none of {values}."),
    "Exists": gettext_noop("{what} must exist."),
    "DoesNotExist": gettext_noop("{what} must not exist."),
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

    @property
    def in_words(self) -> str:
        if self.country:
            return "-".join(part for part in (self.country, self.subdivision) if part)
        return gettext("none") if self.value is None else str(self.value)


@dataclass(frozen=True)
class Unmet:
    """A requirement that a person does not meet, as a sentence. `test_id`: of the qualification whose test they may
    take now; empty if there is none."""

    words: str
    test_id: str = ""


def find_unmet(hit_type: HITType, *, standing: Standing, action: str) -> Unmet | None:
    """The first requirement that forbids a person `action` (a key of GUARDS); None if none does.

    standing: the person's, read for this HIT type among others.
    """
    for requirement in hit_type.requirements:
        held = find_held(standing, requirement)
        if guard(requirement) in GUARDS[action] and not is_met(requirement, held=held):
            return _explain(requirement, standing=standing, held=held)
    return None


def _explain(requirement: dict[str, Any], *, standing: Standing, held: Held) -> Unmet:
    type_id = requirement["QualificationTypeId"]
    if type_id in COMPUTED_IN_WORDS:
        return _compare_in_words(gettext(COMPUTED_IN_WORDS[type_id]), requirement, held=held)
    kind = standing.types.get(type_id)
    name = f"“{kind.name}”" if kind else gettext("a qualification that does not exist any more")
    if requirement["Comparator"] == "DoesNotExist":
        return Unmet(gettext("This HIT is not for people who hold {name}.").format(name=name))
    if kind and not held.exists and kind.is_active and kind.deleted_at is None:
        was_asked = type_id in standing.asked_for
        if kind.test and (kind.retry_delay_seconds is not None or not was_asked):
            minutes = math.ceil((kind.test_duration_seconds or 60) / 60)
            return Unmet(
                gettext("Take the {n}-minute test {name} first.").format(n=minutes, name=name), test_id=type_id
            )
        if not kind.test and not was_asked:
            return Unmet(gettext("Request {name} first.").format(name=name), test_id=type_id)
    if not held.exists:
        return Unmet(gettext("This HIT is for people who hold {name}.").format(name=name))
    return _compare_in_words(gettext("Your value of {name}").format(name=name), requirement, held=held)


def _compare_in_words(what: str, requirement: dict[str, Any], *, held: Held) -> Unmet:
    values = [str(value) for value in requirement.get("IntegerValues") or []]
    values += ["-".join(place.values()) for place in requirement.get("LocaleValues") or []]
    any_of_them = f" {gettext('or')} ".join(values)
    wanted = gettext(COMPARATORS[requirement["Comparator"]]).format(what=what, values=any_of_them)
    return Unmet(f"{wanted} {_say_held(held)}")


def _say_held(held: Held) -> str:
    if not held.exists:
        return gettext("You have none.")
    return gettext("Yours is {value}.").format(value=held.in_words)


def guard(requirement: dict[str, Any]) -> str:
    """ActionsGuarded, or the value that the older RequiredToPreview stands for."""
    if requirement.get("ActionsGuarded"):
        return str(requirement["ActionsGuarded"])
    return "PreviewAndAccept" if requirement.get("RequiredToPreview") else "Accept"


def find_held(standing: Standing, requirement: dict[str, Any]) -> Held:
    type_id = requirement["QualificationTypeId"]
    if type_id in COMPUTED:
        return compute(standing, type_id)
    return Held(value=standing.values.get(type_id))


def compute(standing: Standing, type_id: str) -> Held:
    """The marketplace's own qualifications. Nobody here is a Master; everybody confirmed at sign-up to be of age."""
    if type_id == LOCALE:
        return Held(country=standing.person.country, subdivision=standing.person.subdivision)
    if type_id == ADULT:
        return Held(value=1)
    if type_id == N_APPROVED:
        return Held(value=standing.n_approved)
    if type_id == PERCENT_APPROVED:
        n_judged = standing.n_approved + standing.n_rejected
        return Held(value=100 if n_judged < FULL_TRUST_UNTIL else 100 * standing.n_approved // n_judged)
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
