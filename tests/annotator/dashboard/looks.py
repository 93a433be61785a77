"""The sizes and themes at which a story is told."""

from itertools import product

import pytest

WIDTHS, SCHEMES = (1440, 360), ("light", "dark")


def told_at(width: int, scheme: str) -> pytest.MarkDecorator:
    """At all four, by the arguments `width` and `scheme`; `make test` tells it at this one."""
    return pytest.mark.parametrize(
        ("width", "scheme"),
        [
            pytest.param(*look, marks=[] if look == (width, scheme) else [pytest.mark.slow])
            for look in product(WIDTHS, SCHEMES)
        ],
    )
