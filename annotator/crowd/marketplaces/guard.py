"""The three confirmations that real money needs, and the permit that they give."""

from dataclasses import dataclass

from django.conf import settings

from annotator.crowd.marketplaces.facts import Facts
from annotator.crowd.marketplaces.outcomes import RealMoneyRefused


@dataclass(frozen=True)
class Permit:
    """Permission to spend real money for one campaign, up to its cap. `give_permit` makes it; a job's row keeps it."""

    campaign: str
    given_by: str


def give_permit(*, facts: Facts, campaign_name: str, has_flag: bool, typed_name: str, by: str) -> Permit | None:
    """A permit for three separate confirmations: the setting, the flag, the campaign's name typed.

    None for play money, which needs no permit. Raises RealMoneyRefused if a confirmation is missing.
    """
    if not facts.is_real_money:
        return None
    if not settings.REAL_MONEY_ALLOWED:
        raise RealMoneyRefused(f"{facts.name} pays with real money and REAL_MONEY_ALLOWED is not set.")
    if not has_flag:
        raise RealMoneyRefused(f"{facts.name} pays with real money: add --real-money.")
    if typed_name != campaign_name:
        raise RealMoneyRefused(
            f"{facts.name} pays with real money: the campaign's name was to be typed, not {typed_name!r}."
        )
    return Permit(campaign=campaign_name, given_by=by)
