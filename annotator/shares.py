"""Shares as people write them."""

from argparse import ArgumentTypeError


def read_share(text: str) -> float:
    """A share as a fraction or in percent: 0.75, 75 and 75 % are the same; 1 is the whole, 1 % a hundredth.

    A number between 1 and 2 may be either, and is refused without its sign.
    Raises ArgumentTypeError unless it lies between 0 and 1.
    """
    number, is_percent = text.strip().removesuffix("%").strip(), text.strip().endswith("%")
    try:
        value = float(number)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no share: write 0.75 or 75 %") from None
    if not is_percent and 1 < value < 2:
        raise ArgumentTypeError(f"{text!r} may be a fraction or percent: write {number} %, or a number up to 1")
    share = value / 100 if is_percent or value > 1 else value
    if not 0 <= share <= 1:
        raise ArgumentTypeError(f"{text!r} is no share: it lies between 0 and 1, or 0 % and 100 %")
    return share
