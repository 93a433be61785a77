"""A campaign that is run once for many tests: its database, its bundle, and the report that it gave."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.test import override_settings

from annotator.comparison.comparing import compare_campaign
from annotator.comparison.reports import describe_campaign
from annotator.crowd.models import Answer, Assignment, Campaign, HITUnit, Rejection
from annotator.descriptions.models import Description, Method
from annotator.labels.models import UnitLabel
from annotator.labels.recording import label_campaign
from annotator.labels.revising import accept_label, merge_concepts
from annotator.published.exporting import export_campaign
from annotator.units.chance import finish
from annotator.units.models import Dissection, Network, RandomBaseline
from tests.annotator.dashboard.making import make_world
from tests.conftest import empty_tables
from tests.databases import connected_to, copied

NOW = datetime(2026, 11, 27, 12, 0, 0, 123456, tzinfo=UTC)
SHUFFLED = {"n_detectors": 1, "n_unique": 0}


@dataclass(frozen=True)
class Study:
    """A campaign, its export and the report of the installation that ran it."""

    folder: Path  # its export lies here, and the test may write here
    home: Path  # the artifacts of the installation that ran it
    database: str
    report: dict[str, Any]

    @property
    def bundle(self) -> Path:
        return self.folder / "export" / "bundle.zip"

    def at(self, folder: Path) -> "Study":
        """The same, whose export a test may change."""
        shutil.copytree(self.folder / "export", folder / "export")
        return replace(self, folder=folder)


@contextmanager
def run_once(folder: Path) -> Iterator[Study]:
    """In a database of its own, which is kept until the end."""
    home = folder / "first"
    with copied(connection.settings_dict["NAME"], into="ran") as database:
        with connected_to(database), override_settings(ARTIFACT_ROOT=f"file://{home}"):
            empty_tables()
            campaign = run_study(home)
            export_campaign(campaign=campaign, folder=folder / "export", now=NOW)
            report = describe_campaign(campaign=campaign)
        yield Study(folder, home, database, report)


def run_study(folder: Path) -> Campaign:
    """Simulated people and one who is not; one answer set aside, one rejected, concepts revised, units chosen."""
    campaign = make_world(folder).campaign
    Network.objects.update(weights=f"{folder}/best.pth", weights_sha256="a" * 64)
    Dissection.objects.update(weights=f"{folder}/best.pth")
    stand_beside_chance(Dissection.objects.get())
    answered = Assignment.objects.filter(hit__campaign=campaign).order_by("id")
    first, second = answered[:2]
    Assignment.objects.filter(pk=first.pk).update(
        is_left_out=True, left_out_reason="misses 2 of 3 planted negatives", count_decided_by="ann",
        started_at=NOW, seed=2**40 + 1,
        raw_answer={"marketplace_xml": "A1SECRET"}, draft={"description": "not sent"},
    )  # fmt: skip
    Assignment.objects.filter(pk=second.pk).update(state=Assignment.State.REJECTED)
    Rejection.objects.create(
        assignment=second, reason="empty", evidence={"flags": ["fast"]}, proposed_by="ann", proposed_at=NOW,
        confirmed_by="bob", confirmed_at=NOW + timedelta(hours=1),
    )  # fmt: skip
    Answer.objects.filter(assignment__in=answered).update(planted_ranks=[12, 13], shown_ranks=list(range(14)))
    HITUnit.objects.filter(hit__campaign=campaign).update(chosen_because="random")
    label_campaign(campaign=campaign, now=NOW)
    merge_concepts(campaign=campaign, concepts=["sky"], into="heaven", reviewer="cem", now=NOW)
    unit = UnitLabel.objects.filter(campaign=campaign).earliest("pk").unit
    accept_label(campaign=campaign, unit=unit, reviewer="cem", now=NOW)
    compare_campaign(campaign=campaign)
    method = Method.objects.create(name="CLIP-Dissect", score_name="similarity", created_at=NOW)
    Description.objects.create(
        unit=unit, method=method, text="blue sky", score=0.25, source="d" * 64, imported_at=NOW, details={"others": []}
    )
    return campaign


def stand_beside_chance(dissection: Dissection) -> None:
    """A measurement with random weights, of a network of its own."""
    network = Network.objects.create(
        name="net-random", architecture="unitscope:test", weights_from="random", registered_at=NOW
    )
    measured = Dissection.objects.create(
        network=network, image_set=dissection.image_set, layer_paths=["features.3"], state="done", is_baseline=True,
        detectors={"features.3": {"paper": {"n_detectors": 2, "n_unique": 1}}}, created_at=NOW,
    )  # fmt: skip
    Dissection.objects.filter(pk=dissection.pk).update(
        detectors={"features.3": {"paper": {"n_detectors": 4, "n_unique": 3, "shuffled_labels": SHUFFLED}}}
    )
    baseline = RandomBaseline.objects.create(key="k" * 64, layer_path="features.3", measured_by=measured)
    baseline.dissections.add(dissection)
    with transaction.atomic():
        finish(measured, weights_from="random")
