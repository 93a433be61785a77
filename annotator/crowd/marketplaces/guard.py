"""The three confirmations that real money needs."""

from django.conf import settings

from annotator.crowd.marketplaces.marketplace import Marketplace
from annotator.crowd.marketplaces.outcomes import RealMoneyRefused


def confirm_real_money(*, marketplace: Marketplace, campaign_name: str, has_flag: bool, typed_name: str) -> None:
    """Three separate confirmations, or nothing is sent: the setting, the flag, the campaign's name typed."""
    if not marketplace.is_real_money:
        return
    if not settings.REAL_MONEY_ALLOWED:
        raise RealMoneyRefused(f"{marketplace.name} pays with real money and REAL_MONEY_ALLOWED is not set.")
    if not has_flag:
        raise RealMoneyRefused(f"{marketplace.name} pays with real money: add --real-money.")
    if typed_name != campaign_name:
        raise RealMoneyRefused(
            f"{marketplace.name} pays with real money: the campaign's name was to be typed, not {typed_name!r}."
        )
