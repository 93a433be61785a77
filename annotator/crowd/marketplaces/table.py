"""The marketplaces, each with what opens its adapter. Adding one is a folder and a line."""

from django.utils.module_loading import import_string

from annotator.crowd.marketplaces.facts import Facts
from annotator.crowd.marketplaces.marketplace import Marketplace
from annotator.crowd.marketplaces.outcomes import UnknownMarketplace

_MTURK = "annotator.crowd.marketplaces.mturk.adapter.open_mturk"
# Name -> a function of the name. From the least consequential to the most.
MARKETPLACES = {
    "own": _MTURK,
    "links": "annotator.crowd.marketplaces.links.adapter.open_links",
    "mturk-sandbox": _MTURK,
    "prolific": "annotator.crowd.marketplaces.prolific.adapter.open_prolific",
    "mturk": _MTURK,
}


def open_marketplace(name: str) -> Marketplace:
    """The adapter; no connection is made yet. Raises UnknownMarketplace."""
    if name not in MARKETPLACES:
        *others, last = MARKETPLACES
        raise UnknownMarketplace(f"There is no marketplace {name!r}; choose {', '.join(others)} or {last}.")
    opened: Marketplace = import_string(MARKETPLACES[name])(name)
    return opened


def list_facts() -> list[Facts]:
    """In the order of the table."""
    return [open_marketplace(name).facts for name in MARKETPLACES]
