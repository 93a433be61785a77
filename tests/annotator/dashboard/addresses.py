"""Every page of the dashboard, and at which addresses tests look at it; a route not named here fails a test."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver

from annotator.dashboard.urls import urlpatterns
from annotator.labels.models import UnitLabel
from annotator.units.models import Dissection

# Route -> its addresses. The words in capitals stand for what `Shown` names.
PAGES = {
    "home": ["/"],
    "gallery": ["/units/", "/units/?network=NETWORK&layer=LAYER&beside=NETWORK/LAYER&precision_min=0.5"],
    "unit": ["/units/NETWORK/LAYER/INDEX/"],
    "crop": ["/units/NETWORK/LAYER/INDEX/crops/0/"],
    "crop-views": ["/units/NETWORK/LAYER/INDEX/crops/0/views/"],
    "image": ["/images/IMAGES/0/"],
    "walk": ["/units/NETWORK/LAYER/INDEX/walk/"],
    "similar": ["/units/NETWORK/LAYER/INDEX/similar/"],
    "units-beside": ["/units/beside/?unit=NETWORK/LAYER/0&unit=NETWORK/LAYER/INDEX"],
    "notes": ["/notes/"],
    "best-units": ["/layers/"],
    "layers": ["/layers/NETWORK/"],
    "layer": ["/layers/NETWORK/LAYER/"],
    "campaigns": ["/campaigns/"],
    "campaign": ["/campaigns/CAMPAIGN/"],
    "comparison": ["/campaigns/CAMPAIGN/comparison/"],
    "concepts": ["/campaigns/CAMPAIGN/concepts/"],
    "answers": ["/campaigns/CAMPAIGN/answers/"],
    "review": ["/review/"],
    "review-one": ["/review/CAMPAIGN/LABEL/", "/review/CAMPAIGN/LABEL/?evidence=1"],
    "dissections": ["/dissections/"],
    "dissection": ["/dissections/DISSECTION/"],
    "try": ["/try/"],
    "readouts": ["/readouts/"],
    "methods": ["/methods/"],
    "localizations": ["/localization/"],
    "networks": ["/networks/", "/networks/?campaign=CAMPAIGN&dissection=DISSECTION"],
    "studies": ["/studies/"],
    "decisions": ["/decisions/"],
    "people": ["/people/"],
    "change-password": ["/people/password/"],
}
# Only those see them who may start work.
WORK_PAGES = {
    "launch": ["/launch/"],
    "dissect": ["/dissections/new/"],
    "import": ["/import/"],
    "plan-study": ["/plan/"],
    "crowd": ["/crowd/"],
}
# Pages for people who are signed out.
OUTER_PAGES = {"sign-in": ["/sign-in/"], "welcome": ["/welcome/x/y/"]}
# Parts of pages that answer with a part of HTML.
PARTS = {
    "home-live": ["/live"],
    "campaign-progress": ["/campaigns/CAMPAIGN/progress"],
    "campaign-attention": ["/campaigns/CAMPAIGN/attention"],
    "dissection-progress": ["/dissections/DISSECTION/progress"],
    "study-plans": ["/plan/jobs"],
    "verify-decisions": ["/decisions/verified"],
    "missing-pictures": ["/crops/DISSECTION/STRIP/missing"],
}
# Files, what is posted to, and the terms of a campaign that is not published yet (work/test_changing.py).
NO_PAGES = {
    "sheet", "wall", "outlines", "field", "figures", "figure", "networks-figure", "report", "export", "bundle",
    # Of campaigns at the marketplace links (crowd/marketplaces/test_links.py).
    "links", "links-make", "links-change", "links-file",
    "notices",
    # Letters and balances are a researcher's (crowd/test_letters.py).
    "letter-answer", "letter-again", "letter-read", "balance",
    "worker-ids", "sign-out", "campaign-work", "decide-answer", "decide-chosen", "pause", "campaign-more",
    "merge-concepts", "split-answers", "review-next", "review-decide", "review-undo", "invite", "erase-worker",
    # The price of a form that is being filled in (campaigns/test_live_quote.py).
    "launch-quote", "campaign-edit-quote",
    "issue-token", "revoke-token", "change-person", "campaign-edit", "dissection-work",
    # noting/test_noting.py.
    "note", "note-delete", "tag-delete", "view-save", "view-delete", "share", "share-end", "shared",
    # A study has a plan and answers of its own (tests/annotator/studies).
    "study", "study-results", "study-report", "study-work",
    # They ask a GPU process (looking/test_photographs.py).
    "look", "look-photograph", "look-unit", "look-label", "view-photograph", "view-picture",
    # It asks a GPU process for the network's layers (dissections/test_layer_tree.py).
    "dissect-layers",
    # A tried photograph has a question of its own (trying/test_pages.py).
    "trial", "trial-progress", "trial-photograph", "trial-class", "trial-unit", "trial-label", "trial-again",
    "trial-keep", "trial-delete",
    # Read-outs and what was asked of them (readouts/test_readout_pages.py).
    "readout", "readout-progress", "readout-cancel", "readout-delete",
    "reading", "reading-progress", "reading-map", "reading-word", "reading-again",
    # A localization is a question (test_localizing.py).
    "localization", "localization-progress", "localization-picture",
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """What the addresses name: by default the world of `making.make_world`."""

    label: UnitLabel
    dissection: Dissection
    campaign: str = "try"
    network: str = "net"
    layer: str = "features.3"
    index: int = 1
    # None: as the image set is called.
    images: str | None = None

    def fill_in(self, addresses: Iterable[str]) -> list[str]:
        named = {
            "LABEL": self.label.pk,
            "DISSECTION": self.dissection.pk,
            "STRIP": self.dissection.dissected_units.earliest("pk").strip,
            "CAMPAIGN": self.campaign,
            "NETWORK": self.network,
            "LAYER": self.layer,
            "IMAGES": self.images or self.dissection.image_set.name,
            "INDEX": self.index,
        }
        return [_replace(address, named) for address in addresses]

    def list_inner_pages(self) -> list[str]:
        return self.fill_in(address for found in (PAGES | WORK_PAGES).values() for address in found)


def list_routes() -> set[str]:
    """The dashboard's own; the JSON API says its routes itself."""
    return {str(one.name) for one in urlpatterns if isinstance(one, URLPattern) and not isinstance(one, URLResolver)}


def _replace(address: str, named: dict[str, object]) -> str:
    for word, value in named.items():
        address = address.replace(word, str(value))
    return address
