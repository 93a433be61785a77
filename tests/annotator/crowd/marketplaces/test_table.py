"""Which marketplaces there are, and where each takes submissions."""

import pytest

from annotator.crowd.marketplaces.mturk.adapter import match_submit_origin
from annotator.crowd.marketplaces.outcomes import UnknownMarketplace
from annotator.crowd.marketplaces.table import list_facts, open_marketplace


def test_an_unknown_marketplace_is_refused() -> None:
    with pytest.raises(UnknownMarketplace, match="own, links, mturk-sandbox, prolific or mturk"):
        open_marketplace("ebay")


def test_which_marketplaces_take_real_money() -> None:
    places = list_facts()
    assert [(place.name, place.is_real_money) for place in places] == [
        ("own", False), ("links", False), ("mturk-sandbox", False), ("prolific", True),
        ("mturk", True),
    ]  # fmt: skip
    for place in places:
        own, others = place.submit_origins, [other.submit_origins for other in places if other != place]
        assert match_submit_origin(own[0] + "/", own) == own[0]
        assert all(match_submit_origin(origin, own) is None for origins in others for origin in origins)
