"""Every page of the dashboard, and at which addresses tests look at it; a route not named here fails a test."""

from django.urls import URLPattern, URLResolver

from annotator.dashboard.urls import urlpatterns
from annotator.labels.models import UnitLabel

# Route -> its addresses in the world of `making.make_world`; `LABEL` stands for the id of a label.
PAGES = {
    "home": ["/"],
    "gallery": ["/units/", "/units/?network=net&layer=features.3&beside=net/features.3&precision_min=0.5"],
    "unit": ["/units/net/features.3/1/"],
    "campaigns": ["/campaigns/"],
    "campaign": ["/campaigns/try/"],
    "comparison": ["/campaigns/try/comparison/"],
    "concepts": ["/campaigns/try/concepts/"],
    "answers": ["/campaigns/try/answers/"],
    "review": ["/review/"],
    "review-one": ["/review/try/LABEL/", "/review/try/LABEL/?evidence=1"],
    "dissections": ["/dissections/"],
    "dissection": ["/dissections/DISSECTION/"],
    "networks": ["/networks/", "/networks/?campaign=try&dissection=DISSECTION"],
    "decisions": ["/decisions/"],
    "people": ["/people/"],
}
# What only those see who may start work.
WORK_PAGES = {"launch": ["/launch/"], "dissect": ["/dissections/new/"], "import": ["/import/"]}
# Pages for who is signed out.
OUTER_PAGES = {"sign-in": ["/sign-in/"], "welcome": ["/welcome/x/y/"]}
# Parts of pages, files, and what is posted to.
NO_PAGES = {
    "home-live", "campaign-progress", "campaign-attention", "figures", "dissection-progress", "verify-decisions",
    "sheet", "wall", "outlines", "field", "figure", "networks-figure", "report", "export", "worker-ids",
    "sign-out", "campaign-work", "decide-answer", "pause", "campaign-more", "merge-concepts", "split-answers",
    "review-next", "review-decide", "invite", "erase-worker", "issue-token", "revoke-token",
}  # fmt: skip


def list_routes() -> set[str]:
    """The dashboard's own; the JSON API says its routes itself."""
    return {str(one.name) for one in urlpatterns if isinstance(one, URLPattern) and not isinstance(one, URLResolver)}


def fill_in(addresses: list[str], *, label: UnitLabel, dissection: object) -> list[str]:
    return [one.replace("LABEL", str(label.pk)).replace("DISSECTION", str(dissection)) for one in addresses]


def list_inner_pages(*, label: UnitLabel, dissection: object) -> list[str]:
    pages = [address for found in (PAGES | WORK_PAGES).values() for address in found]
    return fill_in(pages, label=label, dissection=dissection)
