"""The report's figures, live: drawn on the server. Each can be downloaded as SVG, PDF or PNG for one or two columns,
with its data as CSV and its caption as text.

Altair takes over a second to load: what needs it is imported where a figure is drawn, not when the web starts.
"""

from functools import lru_cache

from django.db.models import Count, Max
from django.http import HttpResponse
from django.shortcuts import get_object_or_404

from annotator.accounts.models import Role
from annotator.comparison.reports import describe_campaign
from annotator.comparison.summary import Document
from annotator.crowd.models import Campaign
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.figure_files import FIGURE_ENDINGS, THEMES, WIDTHS, send_figure_file
from annotator.dashboard.frame.pages import SignedInRequest, show_part
from annotator.dashboard.units.crop_views import may_cut, send_uncut
from annotator.labels.models import UnitLabel
from annotator.units.cutting import ask_to_cut, find_uncut

PICTURES = ("svg", "pdf", "png")


@needs(Role.VIEWER)
def show_figures(request: SignedInRequest, name: str) -> HttpResponse:
    """Agreement beside chance and every figure, as a part of the comparison's page."""
    from annotator.figures.listing import list_figures

    campaign = get_object_or_404(Campaign, name=name)
    report = _describe(campaign.pk, _stamp(campaign))
    context = {
        "campaign": campaign,
        "agreement": report.get("agreement"),
        "figures": list_figures(report, campaign=campaign),
    }
    return show_part(request, "dashboard/reports/figures.html", context)


@needs(Role.VIEWER)
def send_figure(request: SignedInRequest, name: str, figure: str, ending: str) -> HttpResponse:
    """One figure as svg, pdf, png, csv, or its caption as txt, as wide as one or two columns."""
    from annotator.figures.listing import NoSuchFigure
    from annotator.figures.whole_layers import find_dissections, list_units_shown

    campaign = get_object_or_404(Campaign, name=name)
    theme = request.GET.get("theme", "light")
    width = request.GET.get("width", "two")
    if ending not in FIGURE_ENDINGS or theme not in THEMES or width not in WIDTHS:
        words = "A figure comes as svg, pdf, png, csv or txt, light or dark, as wide as one or two columns."
        return HttpResponse(words, status=404, content_type="text/plain")
    uncut = find_uncut(list_units_shown(figure, find_dissections(campaign)))
    if uncut and ending in PICTURES and may_cut(request) and len(ask_to_cut(uncut)) < len(uncut):
        return send_uncut()
    try:
        content = _render(campaign.pk, f"{_stamp(campaign)} {len(uncut)}", figure, (ending, theme, width))
    except NoSuchFigure as absent:
        return HttpResponse(str(absent), status=404, content_type="text/plain")
    return send_figure_file(content, ending=ending, file=f"{name}-{figure}" if "download" in request.GET else "")


def _stamp(campaign: Campaign) -> str:
    """A key that changes if the data of a figure change. One query, so that each figure is drawn once."""
    seen = UnitLabel.objects.filter(campaign=campaign).aggregate(
        Max("labeled_at"), Max("comparison__id"), Count("id"), Max("accepted_at")
    )
    return repr(sorted(seen.items()))


@lru_cache(maxsize=8)
def _describe(campaign_id: int, stamp: str) -> Document:
    return describe_campaign(campaign=Campaign.objects.get(pk=campaign_id))


@lru_cache(maxsize=128)
def _render(campaign_id: int, stamp: str, figure: str, how: tuple[str, str, str]) -> bytes:
    from annotator.figures.drawing import render
    from annotator.figures.listing import draw_figure
    from annotator.figures.paper import read_paper

    ending, theme, width = how
    campaign = Campaign.objects.get(pk=campaign_id)
    drawn = draw_figure(report=_describe(campaign_id, stamp), name=figure, campaign=campaign)
    return render(drawn, ending, theme=theme, paper=read_paper(width))
