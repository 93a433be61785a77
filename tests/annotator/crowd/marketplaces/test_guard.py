"""Real money takes three confirmations; play money takes none."""

from typing import Any

import pytest

from annotator.crowd.marketplaces.guard import Permit, give_permit
from annotator.crowd.marketplaces.outcomes import RealMoneyRefused
from annotator.crowd.marketplaces.table import open_marketplace


def test_real_money_needs_three_confirmations(settings: Any) -> None:
    live = open_marketplace("mturk").facts
    confirmed: dict[str, Any] = {"facts": live, "campaign_name": "c", "has_flag": True, "typed_name": "c", "by": "pia"}
    with pytest.raises(RealMoneyRefused, match="REAL_MONEY_ALLOWED"):
        give_permit(**confirmed)
    settings.REAL_MONEY_ALLOWED = True
    assert give_permit(**confirmed) == Permit(campaign="c", given_by="pia")
    with pytest.raises(RealMoneyRefused, match="--real-money"):
        give_permit(**(confirmed | {"has_flag": False}))
    with pytest.raises(RealMoneyRefused, match="typed"):
        give_permit(**(confirmed | {"typed_name": "d"}))
    for name in ("own", "mturk-sandbox"):
        asked: dict[str, Any] = {"campaign_name": "c", "has_flag": False, "typed_name": "", "by": "pia"}
        assert give_permit(facts=open_marketplace(name).facts, **asked) is None
