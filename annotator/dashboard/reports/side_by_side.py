"""Networks side by side: two campaigns' semantic types, and the unique detectors of several dissections."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse

from annotator.accounts.models import Role
from annotator.comparison.difference_rows import explain_tests, name_figure, print_numbers
from annotator.comparison.differences import compare_campaigns, compare_dissections
from annotator.comparison.reports import describe_campaign
from annotator.crowd.models import Campaign
from annotator.dashboard.campaigns.counts import read_campaign_counts
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.choices import CampaignChoices, RunChoices, list_runs
from annotator.dashboard.frame.figure_files import FIGURE_ENDINGS, THEMES, WIDTHS, send_figure_file
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.program import name_command
from annotator.refusals import Refusal
from workers.engine.plurals import say_count

if TYPE_CHECKING:
    from annotator.figures.drawing import Figure

# The report of each campaign is computed during the request.
MAX_ANSWERS = 100_000
TITLES = {
    "networks": "Semantic types, networks side by side",
    "zoo": "Unique detectors of each layer",
    "along": "Unique detectors along a rotation or training",
}


class SideBySideForm(forms.Form):
    campaign = CampaignChoices(
        Campaign.objects.filter(unit_labels__isnull=False).distinct().order_by("name"),
        label="Campaigns",
        to_field_name="name",
        required=False,
    )
    dissection = RunChoices(
        list_runs(),
        label="Dissections",
        required=False,
    )
    positions = forms.CharField(
        required=False,
        max_length=400,
        help_text="One number per dissection, separated by spaces: its epoch, or the power of its rotation",
    )
    axis = forms.SlugField(required=False, max_length=40, help_text="What the positions are: epoch or rotation")

    def clean_positions(self) -> list[float]:
        try:
            return [float(part) for part in str(self.cleaned_data["positions"]).replace(",", " ").split()]
        except ValueError:
            raise forms.ValidationError("Positions are numbers.") from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        positions = cleaned.get("positions")
        if positions and len(positions) != len(cleaned.get("dissection", ())):
            n = say_count(len(cleaned.get("dissection", ())), "dissection needs", "dissections need")
            self.add_error("positions", f"{n} as many positions.")
        counts = read_campaign_counts([campaign.pk for campaign in cleaned.get("campaign", ())])
        if sum(one.n_answers for one in counts.values()) > MAX_ANSWERS:
            self.add_error(
                "campaign", f"More than {MAX_ANSWERS} answers together. Use {name_command('figures --beside')}."
            )
        return cleaned

    def list_figures(self) -> list[tuple[str, str]]:
        asked = self.cleaned_data
        wanted = {
            "networks": len(asked["campaign"]) > 1,
            "zoo": bool(asked["dissection"]),
            "along": bool(asked["positions"]),
        }
        counts = read_campaign_counts([campaign.pk for campaign in asked["campaign"]]).values()
        said = {"networks": ", some answers by simulated people"} if any(one.n_simulated for one in counts) else {}
        return [(name, TITLES[name] + said.get(name, "")) for name, is_wanted in wanted.items() if is_wanted]


@needs(Role.VIEWER)
def show_networks(request: SignedInRequest) -> HttpResponse:
    """Several dissections or campaigns side by side."""
    form = SideBySideForm(request.GET or None)
    figures = form.list_figures() if form.is_bound and form.is_valid() else []
    differences = _compare_pairs(form.cleaned_data) if form.is_bound and form.is_valid() else []
    query = urlencode([(name, value) for name, values in request.GET.lists() for value in values])
    return show(
        request,
        "dashboard/reports/side_by_side.html",
        title="Side by side",
        form=form,
        figures=figures,
        differences=differences,
        query=query,
    )


def _compare_pairs(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The tables of differences: of two campaigns, and of two dissections. What cannot be compared says why."""
    found = []
    for title, compare, chosen in (
        ("Campaigns by a test", compare_campaigns, list(asked["campaign"])),
        ("Dissections by a test", compare_dissections, list(asked["dissection"])),
    ):
        if len(chosen) == 2:
            try:
                found.append({"title": title, **_lay_out(compare(*chosen))})
            except Refusal as refusal:
                found.append({"title": title, "refusal": str(refusal)})
    return found


def _lay_out(document: dict[str, Any]) -> dict[str, Any]:
    layers = [
        {
            **layer,
            "rows": [{**row, "name": name_figure(row), "cells": print_numbers(row)} for row in layer["rows"]],
            "how": dict.fromkeys(how for row in layer["rows"] for how in row["figures_from"]),
        }
        for layer in document["layers"]
    ]
    return {**document, "layers": layers, "explained": explain_tests(document)}


@needs(Role.VIEWER)
def send_networks(request: SignedInRequest, figure: str, ending: str) -> HttpResponse:
    """The figure of several networks as svg, pdf, png, csv, or its caption as txt."""
    asked = request.GET.copy()
    theme, is_download = asked.pop("theme", ["light"])[0], bool(asked.pop("download", []))
    width = asked.pop("width", ["two"])[0]
    form = SideBySideForm(asked)
    if not form.is_valid() or figure not in dict(form.list_figures()) or ending not in FIGURE_ENDINGS:
        return show_refusal(request, "There is no such figure of these networks.", status=404)
    from annotator.figures.drawing import render
    from annotator.figures.paper import read_paper

    paper = read_paper(width if width in WIDTHS else "two")
    drawn = _draw(figure, form.cleaned_data)
    content = render(drawn, ending, theme=theme if theme in THEMES else "light", paper=paper)
    return send_figure_file(content, ending=ending, file=drawn.name if is_download else "")


def _draw(figure: str, asked: dict[str, Any]) -> "Figure":
    from annotator.figures import listing

    if figure == "networks":
        reports = {campaign.name: describe_campaign(campaign=campaign) for campaign in asked["campaign"]}
        return listing.draw_beside(reports)
    chosen = list(asked["dissection"])
    if figure == "zoo":
        return listing.draw_zoo(chosen)
    placed = list(zip(chosen, asked["positions"], strict=True))
    return listing.draw_along(placed, axis=asked["axis"] or "position")
