"""Writes a campaign's report as one folder of HTML that opens offline, each unit under a permanent anchor."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from django.template.loader import get_template, render_to_string

from annotator.comparison.reports import describe_campaign
from annotator.comparison.summary import Document
from annotator.crowd.models import Campaign
from annotator.figures.drawing import save_figure
from annotator.figures.listing import draw_figure, list_figures
from annotator.published.exporting import NothingToExport
from annotator.published.folders import whole_folder
from annotator.units.models import DissectedUnit
from annotator.units.strips import read_strip
from workers.engine.drawing.tiles import cut_tiles, encode_jpeg, lay_out
from workers.engine.format import bounds
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE
from workers.store import StoreError

N_CROPS = 12
GAP_PX = 2
LISTS = {
    "named_alike": "Units with the same name by people and Broden",
    "both_name_differently": "People and Broden are sure and name different things",
    "people_name_broden_misses": f"People agree, no Broden label over IoU {DETECTOR_ABOVE}",
    "broden_names_people_miss": (
        f"A Broden label over IoU {DETECTOR_ABOVE}, people's precision {INTERPRETABLE_ABOVE} or less"
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
    rendered = DissectedUnit.objects.filter(hit_units__hit__campaign=campaign, dissection__image_set__is_rendered=True)
    with whole_folder(folder) as fresh:
        cropped = _write_crops(campaign, fresh / "crops")
        figures = [
            draw_figure(report=report, name=name, campaign=campaign)
            for name, _ in list_figures(report, campaign=campaign)
        ]
        for figure in figures:
            save_figure(figure, folder=fresh / "figures")
        page = {
            **_arrange(report, cropped),
            "figures": figures,
            "now": now,
            "bounds": bounds,
            "images_are_rendered": rendered.exists(),
        }
        (fresh / "index.html").write_text(render_to_string("published/report.html", page), encoding="utf-8")
        # Read as a template, so that Django finds it. It has no tags.
        style = get_template("published/report.css").render()
        (fresh / "report.css").write_text(style, encoding="utf-8")
    return len(report["units"])


def make_anchor(*, layer: str, index: int) -> str:
    """Stays the same whatever is labeled later: `unit-features.10-7`, zero-based."""
    return f"unit-{re.sub(r'[^A-Za-z0-9._-]', '_', layer)}-{index}"


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
            if (found := (report["agreement"] or {}).get(key))
        ],
        "consensus": [{"name": CONSENSUS_WORDS[key], **found} for key, found in report["consensus"].items()],
    }


def _add_anchor(unit: Document) -> Document:
    return {**unit, "anchor": make_anchor(layer=unit["layer"], index=unit["index"])}


def _write_crops(campaign: Campaign, folder: Path) -> set[str]:
    """Anchors of the units whose first crops could be read."""
    rows = (
        DissectedUnit.objects.filter(hit_units__hit__campaign=campaign)
        .select_related("unit__layer", "dissection")
        .distinct()
    )
    written = set()
    for row in rows:
        anchor = make_anchor(layer=row.unit.layer.path, index=row.unit.index)
        try:
            strip = read_strip(artifact=row.dissection.artifact, strip=row.strip)
            tiles = cut_tiles(strip, ranks=range(min(N_CROPS, row.n_top)))
        except (StoreError, OSError):
            continue
        folder.mkdir(exist_ok=True)
        in_one_line = lay_out(tiles, columns=len(tiles), gap_px=GAP_PX)
        (folder / f"{anchor}.jpg").write_bytes(encode_jpeg(in_one_line))
        written.add(anchor)
    return written
