"""Takes an uploaded file into the database, with its entry in the audit log: both or neither."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from annotator.accounts.auditing import write_audit_entry
from annotator.crowd.models import Campaign
from annotator.published.bundle.unpacking import import_bundle
from annotator.published.describers.records import Choices
from annotator.published.dissections import take_dissection
from annotator.published.importing import CannotImport, Imported, import_annotations, import_iou, import_network_iou
from annotator.published.importing_descriptions import Wish, import_descriptions, read_layer_wishes
from annotator.published.uploads import Taken, Upload
from workers.engine.plurals import say_count


@dataclass(frozen=True)
class Done:
    """`subject` and `details` are those of the audit log."""

    taken: Taken
    subject: str
    details: dict[str, Any]


def take_in(upload: Upload) -> Taken:
    """Raises BadFile, CannotImport, BundleInTheWay, NameRefused."""
    path, now = Path(upload.path), timezone.now()
    with transaction.atomic():
        done = KINDS[upload.kind](path, upload.values, now)
        actor, details = User.objects.get(pk=upload.actor), {"file": path.name, **done.details}
        write_audit_entry(actor=actor, action="import", subject=done.subject, details=details, now=now)
    return done.taken


def _take_answers(path: Path, values: Mapping[str, str], now: datetime) -> Done:
    name = values["campaign"]
    done = import_annotations(campaign_name=name, path=path, network_name=values["network"] or name, now=now)
    return Done(Taken(_tell(done), campaign=name), f"campaign {name}", _list_details(done))


def _take_labels(path: Path, values: Mapping[str, str], now: datetime) -> Done:
    layer, network = values["layer"], values["of_network"]
    if not (name := values["of_campaign"]):
        done = import_network_iou(network_name=network, layer_path=layer, path=path, now=now)
        return Done(Taken(_tell(done), network=network, layer=layer), f"network {network}", _list_details(done))
    campaign = Campaign.objects.filter(name=name).first()
    if campaign is None:
        raise CannotImport(f"There is no campaign {name} any more.")
    done = import_iou(campaign=campaign, layer_path=layer, path=path)
    return Done(Taken(_tell(done), campaign=name), f"campaign {name}", _list_details(done))


def _take_bundle(path: Path, values: Mapping[str, str], now: datetime) -> Done:
    done = import_bundle(path=path, name=values["name"], now=now)
    details = {"sha256": done.content_sha256, "rows": done.n_answers, "new": done.is_new}
    return Done(Taken(done.sentence, campaign=done.campaign), f"campaign {done.campaign}", details)


def _take_dissection(path: Path, values: Mapping[str, str], now: datetime) -> Done:
    done = take_dissection(path=path, images_name=values["images_name"], now=now)
    made = done.dissection
    sentence = f"The dissection of {made.network} on {made.image_set} " + (
        "is published." if done.is_new else "is here already. Nothing was changed."
    )
    details = {"sha256": made.artifact_sha256, "new": done.is_new}
    return Done(Taken(sentence, dissection=str(made.pk)), f"dissection {made.pk}", details)


def _take_descriptions(path: Path, values: Mapping[str, str], now: datetime) -> Done:
    usual, network = Choices(), values["network"]
    choices = Choices(
        unit_column=values["unit_column"] or usual.unit_column,
        text_column=values["description_column"] or usual.text_column,
        score_column=values["score_column"],
    )
    layers = read_layer_wishes([values["layer"]] if values["layer"] else [])
    wish = Wish(network, layers, values["method"], replaces=bool(values["replace"]), choices=choices)
    done = import_descriptions(path=path, wish=wish, now=now)
    details = {"sha256": done.sha256, "rows": done.n_new, "methods": ", ".join(done.methods)}
    taken = Taken(done.sentence, network=network, layer=done.layers[0])
    return Done(taken, f"network {network}", details)


KINDS: dict[str, Callable[[Path, Mapping[str, str], datetime], Done]] = {
    "answers": _take_answers, "labels": _take_labels, "bundle": _take_bundle,
    "dissection": _take_dissection,
    "descriptions": _take_descriptions,
}  # fmt: skip


def _tell(done: Imported) -> str:
    counted = f"{say_count(done.n_rows, 'row')} on {say_count(done.n_units, 'unit')}"
    return f"{counted} of {', '.join(done.layers)} imported. {done.remark}"


def _list_details(done: Imported) -> dict[str, Any]:
    return {"sha256": done.sha256, "rows": done.n_rows}
