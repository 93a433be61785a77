"""The queue of units that need a person's decision."""

from django.http import HttpResponse

from annotator.accounts.models import Role
from annotator.dashboard.access import needs
from annotator.dashboard.cards import make_cards
from annotator.dashboard.pages import SignedInRequest, show
from annotator.dashboard.selection import Selection, choose_units, count_at_most, find_ground


@needs(Role.VIEWER)
def show_review(request: SignedInRequest) -> HttpResponse:
    selection = Selection({"review": True, "sort": "least-precise"})
    ground = find_ground(selection)
    units = choose_units(selection, ground)
    n_waiting, has_more = count_at_most(units)
    shown = units.select_related("unit__layer__network", "dissection__image_set").defer("dissection__labels")[:24]
    cards = make_cards(units=list(shown), campaign=ground.campaign)
    return show(
        request,
        "dashboard/review.html",
        title="Review",
        cards=cards,
        n_waiting=n_waiting,
        has_more=has_more,
        ground=ground,
    )
