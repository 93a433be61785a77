"""QualificationRequirements as a requester may write them."""

from typing import Any

from annotator.countries import CODES
from annotator.sandbox.acts import qualifying
from annotator.sandbox.api import find
from annotator.sandbox.api.limits import MAX_REQUIREMENTS
from annotator.sandbox.models import QualificationType
from annotator.sandbox.rules.refusals import Code, Refused, bad_parameter
from workers.engine.plurals import say_count

MAX_NUMBERS = 15
MAX_PLACES = 30
_SETS = ("In", "NotIn")
_PLACE_COMPARATORS = ("EqualTo", "NotEqualTo", *_SETS)


def check(requirements: list[dict[str, Any]]) -> None:
    """Raises Refused for a requirement that could not be checked, or whose type does not exist."""
    if len(requirements) > MAX_REQUIREMENTS:
        raise bad_parameter(f"A HIT can have at most {MAX_REQUIREMENTS} qualification requirements.")
    for requirement in requirements:
        _check_type(requirement["QualificationTypeId"])
        _check_values(requirement)
        if requirement.get("ActionsGuarded") and "RequiredToPreview" in requirement:
            raise bad_parameter("ActionsGuarded and RequiredToPreview cannot be used together.")


def _check_type(type_id: str) -> None:
    if type_id in qualifying.COMPUTED:
        return
    rows = QualificationType.objects.filter(mturk_id=type_id, deleted_at=None)
    found = find.first(rows, Code.QUALIFICATION_TYPE_DOES_NOT_EXIST, f"QualificationType {type_id}")
    if not found.is_active:
        raise Refused(Code.INVALID_QUALIFICATION_TYPE_STATE, f"QualificationType {type_id} is inactive.")


def _check_values(requirement: dict[str, Any]) -> None:
    comparator = requirement["Comparator"]
    numbers, places = requirement.get("IntegerValues", []), requirement.get("LocaleValues", [])
    if comparator in ("Exists", "DoesNotExist"):
        if numbers or places:
            raise bad_parameter(f"{comparator} takes no values.")
        return
    if requirement["QualificationTypeId"] == qualifying.LOCALE:
        if numbers or not places:
            raise bad_parameter("Worker_Locale is compared with LocaleValues.")
        if comparator not in _PLACE_COMPARATORS:
            raise bad_parameter(f"Worker_Locale takes {', '.join(_PLACE_COMPARATORS)}, not {comparator}.")
        _check_places(places)
    elif places or not numbers:
        raise bad_parameter(f"{comparator} is a comparison with IntegerValues.")
    most = (MAX_PLACES if places else MAX_NUMBERS) if comparator in _SETS else 1
    if len(numbers or places) > most:
        raise bad_parameter(f"{comparator} takes at most {say_count(most, 'value')}.")


def _check_places(places: list[dict[str, str]]) -> None:
    """Nobody lives in a country that is none, and nobody could take the HIT."""
    for place in places:
        country, subdivision = place["Country"], place.get("Subdivision", "")
        if country not in CODES or subdivision != subdivision.upper():
            said = "-".join(filter(None, [country, subdivision]))
            raise bad_parameter(f"LocaleValues names countries by ISO 3166, such as US or US-CA, not {said!r}.")
