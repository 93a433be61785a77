"""Amounts of dollars that an operator writes."""

from decimal import Decimal, InvalidOperation

from annotator.sandbox.rules.fees import CENT


def read_usd(text: str, *, below: int) -> Decimal:
    """More than 0 and less than `below`, in whole cents. Raises ValueError."""
    try:
        amount = Decimal(text.strip())
        # The bound comes first: an amount of very many digits cannot be rounded to cents.
        is_fine = amount.is_finite() and 0 < amount < below and amount == amount.quantize(CENT)
    except InvalidOperation:
        is_fine = False
    if not is_fine:
        raise ValueError(f"{text!r} is not an amount such as 12.50.")
    return amount
