"""The fee: 20 % of the reward, 40 % if a HIT has 10 or more assignments, at least one cent."""

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
MIN_FEE_USD = CENT
RATE = Decimal("0.20")
MANY_ASSIGNMENTS = 10
MOST_ASSIGNMENTS = 1_000_000_000
RATE_FOR_MANY = Decimal("0.40")


def fee_usd(*, amount_usd: Decimal, max_assignments: int = 1) -> Decimal:
    """The fee on one reward, or on one bonus (then the number of assignments does not matter), to the cent."""
    rate = RATE_FOR_MANY if max_assignments >= MANY_ASSIGNMENTS else RATE
    return max(MIN_FEE_USD, (amount_usd * rate).quantize(CENT, rounding=ROUND_HALF_UP))
