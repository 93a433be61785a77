"""Pure: who may take a campaign's HITs, in plain words."""

from typing import Any

from django.utils.translation import gettext, ngettext

from annotator.countries import CODES
from annotator.crowd.marketplaces.facts import Facts
from annotator.refusals import Refusal


class BadQualification(Refusal):
    """A qualification asks for something that no marketplace could check."""


# Kept by the HIT page itself; every other key is checked by the marketplace.
_OURS = frozenset(["excluded_campaigns"])


def check_qualifications(qualifications: dict[str, Any], *, facts: Facts) -> None:
    """Raises BadQualification for what nobody could check, and for what this marketplace does not."""
    if unknown := qualifications.keys() - facts.checks - _OURS:
        raise BadQualification(f"The marketplace {facts.name} cannot check: {', '.join(sorted(unknown))}.")
    for country in qualifications.get("locales", []):
        if country not in CODES:
            raise BadQualification(f"{country!r} is no country; write two capital letters, such as US.")
    if not 0 <= qualifications.get("min_approval_percent", 0) <= 100:
        raise BadQualification("The least approval rate lies between 0 and 100 percent.")
    if qualifications.get("min_approved", 0) < 0:
        raise BadQualification("The least number of approved HITs is not negative.")
    if not 0 < qualifications.get("screening", {"least_percent": 100})["least_percent"] <= 100:
        raise BadQualification("The least score of the screening test lies above 0 and up to 100 percent.")


def explain_requirements(qualifications: dict[str, Any]) -> list[str]:
    """What the preview tells a worker before they accept; the marketplace checks the first four."""
    sentences = []
    if locales := qualifications.get("locales"):
        sentences.append(
            gettext("You live in one of these countries: {countries}.").format(countries=", ".join(locales))
        )
    if percent := qualifications.get("min_approval_percent"):
        sentences.append(gettext("At least {n} % of your work at this marketplace was approved.").format(n=percent))
    if n_approved := qualifications.get("min_approved"):
        approved = ngettext(
            "At least {n} of your HITs was approved.", "At least {n} of your HITs were approved.", n_approved
        )
        sentences.append(approved.format(n=n_approved))
    if screening := qualifications.get("screening"):
        sentences.append(
            gettext(
                "You have passed our short test with at least {n} of 100 points. The marketplace offers it among its "
                "qualifications; it takes a few minutes and is taken once."
            ).format(n=screening["least_percent"])
        )
    if qualifications.get("excluded_campaigns"):
        sentences.append(gettext("You have not taken part in an earlier study of ours that shows the same pictures."))
    if qualifications.get("excluded_by") or qualifications.get("required"):
        sentences.append(gettext("The requester invites some workers and not others; the marketplace shows which."))
    return sentences
