"""The description of an exported campaign: versions, parameters, seeds, hashes and counts. It names no worker."""

from datetime import datetime
from typing import Any

from annotator.comparison.agreement import SEED as SHUFFLE_SEED
from annotator.comparison.summary import Document
from annotator.crowd.models import Campaign
from annotator.labels.labeling import open_lexicon
from annotator.labels.reliability import SEED as BOOTSTRAP_SEED
from annotator.published.versions import list_versions
from annotator.units.models import AutomaticLabel, Dissection
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE


def describe_data(*, campaign: Campaign, report: Document, now: datetime, hashes: dict[str, str]) -> Document:
    workers = report["workers"]
    dissections = Dissection.objects.filter(dissected_units__hit_units__hit__campaign=campaign).distinct()
    imported = AutomaticLabel.objects.filter(unit__hit_units__hit__campaign=campaign, mode=AutomaticLabel.Mode.IMPORTED)
    return {
        "campaign": campaign.name,
        "answers_by": report["answers_by"],
        "exported_at": now.isoformat(),
        "versions": list_versions(),
        "counts": {
            "layers": len(report["layers"]),
            "units": len(report["units"]),
            "answers": sum(len(unit["answers"]) for unit in report["units"]),
            "simulated_answers": sum(answer["is_simulated"] for unit in report["units"] for answer in unit["answers"]),
            "workers": None if workers is None else len(workers),
        },
        "workers": "keyed pseudonyms; the key and the marketplace's ids are not part of the data"
        if workers is not None
        else "not known for every answer: the vote is unweighted, no figure per worker is given",
        "parameters": {
            "marketplace": campaign.marketplace,
            "is_imported": campaign.is_imported,
            "n_assignments": campaign.n_assignments,
            "reward_usd": str(campaign.reward_usd),
            "policy": campaign.policy,
            "min_precision": INTERPRETABLE_ABOVE,
            "min_iou": DETECTOR_ABOVE,
            "words": open_lexicon().description,
            "lexicon_sha256": open_lexicon().sha256,
        },
        "seeds": {"campaign": campaign.seed, "shuffles": SHUFFLE_SEED, "bootstrap": BOOTSTRAP_SEED},
        "dissections": [_describe_dissection(row) for row in dissections.select_related("network", "image_set")],
        "imported_labels_sha256": sorted(set(imported.values_list("source", flat=True))),
        "files_sha256": hashes,
    }


def _describe_dissection(row: Dissection) -> dict[str, Any]:
    return {
        "id": str(row.id),
        **{("network" if key == "name" else key): value for key, value in row.network.describe().items()},
        "image_set": row.image_set.name,
        "images_are_rendered": row.image_set.is_rendered,
        "image_set_sha256": row.image_set.sha256,
        "n_images": row.n_images,
        "layers": row.layer_paths,
        "detectors": row.detectors,
        "options": row.options,
        "environment": row.environment,
        "layer_facts": row.layer_facts,
        "artifact_sha256": row.artifact_sha256,
    }


def print_card(card: Document) -> str:
    """The same as Markdown, for a person."""
    sections = {title.capitalize(): _list_items(card[title]) for title in ("counts", "parameters", "seeds", "versions")}
    sections["Workers"] = [card["workers"].capitalize() + "."]
    for row in card["dissections"]:
        sections[f"Dissection {row['id']}"] = _list_items({key: value for key, value in row.items() if key != "id"})
    if digests := card["imported_labels_sha256"]:
        sections["Imported labels (SHA-256 of the files)"] = [f"- {digest}" for digest in digests]
    sections["Files (SHA-256)"] = _list_items(card["files_sha256"])
    by = f"Answers by {card['answers_by']}. Exported {card['exported_at']}."
    lines = [f"# Data card: {card['campaign']}", "", by, ""]
    for title, body in sections.items():
        lines += [f"## {title}", "", *body, ""]
    return "\n".join(lines)


def _list_items(values: dict[str, Any]) -> list[str]:
    return [f"- {key}: {value}" for key, value in values.items()]
