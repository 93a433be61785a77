"""Writes a report as one folder of HTML that opens offline, each unit under a permanent anchor.

Of a campaign, with every unit of its dissections as an appendix; or of a dissection alone, nobody having been asked.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.template.loader import get_template, render_to_string

from annotator.comparison.glossary import explain_numbers
from annotator.comparison.reports import describe_campaign, describe_dissection
from annotator.comparison.summary import Document
from annotator.crowd.models import Campaign
from annotator.figures.drawing import save_figure
from annotator.figures.listing import draw_figure, list_figures
from annotator.published.exporting import NothingToExport
from annotator.published.folders import whole_folder
from annotator.published.method_words import describe_campaign_methods, describe_dissection_methods
from annotator.published.ranked_crops import make_anchor, write_crops
from annotator.units.models import DissectedUnit, Dissection
from workers.engine.format import bounds
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE

LISTS = {
    "named_alike": "Units with the same name by people and pixels",
    "both_name_differently": "People and pixels are sure and name different things",
    "people_name_broden_misses": f"People agree, no label by pixels over IoU {DETECTOR_ABOVE}",
    "broden_names_people_miss": (
        f"A label by pixels over IoU {DETECTOR_ABOVE}, people's precision {INTERPRETABLE_ABOVE} or less"
    ),
}
CONSENSUS_WORDS = {
    "identical_concept_rate": "of pairs of answers name the same concept",
    "category_fleiss_kappa": "Fleiss' kappa of the category",
    "category_krippendorff_alpha": "Krippendorff's alpha of the category",
}


def write_report(*, campaign: Campaign, folder: Path, now: datetime) -> int:
    """Number of units. index.html, report.css, figures/ and, where units were dissected here, crops/.

    Raises NothingToExport, FolderInTheWay; an existing folder must be empty.
    """
    report = describe_campaign(campaign=campaign)
    if not report["units"]:
        raise NothingToExport(f"Campaign {campaign.name} has no labeled units yet: run `label {campaign.name}` first.")
    dissections = Dissection.objects.filter(dissected_units__hit_units__hit__campaign=campaign).distinct()
    asked = DissectedUnit.objects.filter(hit_units__hit__campaign=campaign).distinct()
    with whole_folder(folder) as fresh:
        cropped = write_crops(asked.select_related("unit__layer", "dissection"), fresh / "crops")
        figures = [
            draw_figure(report=report, name=name, campaign=campaign)
            for name, _ in list_figures(report, campaign=campaign)
        ]
        for figure in figures:
            save_figure(figure, folder=fresh / "figures")
        page = {
            **_arrange(report, cropped),
            "methods": describe_campaign_methods(campaign),
            "numbers": explain_numbers(has_people=True),
            "figures": figures,
            "now": now,
            "bounds": bounds,
            "images_are_rendered": dissections.filter(image_set__is_rendered=True).exists(),
            "appendices": [_write_appendix(row, fresh, now=now) for row in dissections.order_by("created_at")],
        }
        _write_page("report", page, fresh / "index.html")
        _write_style(fresh)
    return len(report["units"])


def write_dissection_report(*, dissection: Dissection, folder: Path, now: datetime) -> int:
    """Number of units. index.html, report.css, and crops/ of units whose crops were cut. Raises FolderInTheWay."""
    with whole_folder(folder) as fresh:
        _write_style(fresh)
        return int(_write_appendix(dissection, fresh, name="index.html", crops="crops", now=now)["n_units"])


def _write_appendix(
    dissection: Dissection, folder: Path, *, now: datetime, name: str = "", crops: str = ""
) -> Document:
    """Every unit of the dissection on a page of its own."""
    short = str(dissection.pk)[:8]
    name, crops = name or f"appendix-{short}.html", crops or f"crops-{short}"
    report = describe_dissection(dissection=dissection)
    rows = dissection.dissected_units.select_related("unit__layer", "dissection").order_by("pk")
    page = {
        **_arrange(report, write_crops(rows, folder / crops)),
        "dissection": dissection,
        "crops": crops,
        "methods": describe_dissection_methods([dissection]),
        "numbers": explain_numbers(has_people=False),
        "now": now,
        "bounds": bounds,
    }
    _write_page("appendix", page, folder / name)
    return {"name": name, "dissection": dissection, "n_units": len(report["units"])}


def _write_page(name: str, page: Document, path: Path) -> None:
    path.write_text(render_to_string(f"published/{name}.html", page), encoding="utf-8")


def _write_style(folder: Path) -> None:
    # Read as a template, so that Django finds it. It has no tags.
    (folder / "report.css").write_text(get_template("published/report.css").render(), encoding="utf-8")


def _arrange(report: Document, cropped: set[str]) -> dict[str, Any]:
    units = [_add_anchor(unit) for unit in report["units"]]
    paths = [layer["path"] for layer in report["layers"]]
    return {
        "report": report,
        "cropped": cropped,
        "layers": [{"path": path, "units": [unit for unit in units if unit["layer"] == path]} for path in paths],
        "lists": [
            {"title": title, "units": [_add_anchor(unit) for unit in found]}
            for key, title in LISTS.items()
            if (found := (report.get("agreement") or {}).get(key))
        ],
        "consensus": [{"name": CONSENSUS_WORDS[key], **found} for key, found in report.get("consensus", {}).items()],
    }


def _add_anchor(unit: Document) -> Document:
    return {**unit, "anchor": make_anchor(layer=unit["layer"], index=unit["index"])}
