"""Rows to look at: a dissection with crops, a campaign with answers, labels and comparisons, people of every role."""

from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import User
from django.test import Client

from annotator.accounts.models import Membership, Role
from annotator.comparison.models import UnitComparison
from annotator.crowd.models import Assignment, Campaign, Worker
from annotator.labels.models import UnitLabel
from annotator.labels.recording import label_campaign
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection
from tests.annotator.crowd.making import NOW, make_answer, make_campaign, make_dissection
from tests.snapshots import made_once

N_TOP, N_LOW = 12, 3
CONCEPTS = ["wheel", "sky", "striped", "brick wall"]
CATEGORIES = ["object part", "scene", "texture or material", "texture or material"]
RELATIONS = ["equal", "synonym", "different", "hypernym"]


@dataclass(frozen=True)
class World:
    dissection: Dissection
    campaign: Campaign

    def units(self) -> list[DissectedUnit]:
        return list(self.dissection.dissected_units.select_related("unit__layer__network").order_by("unit__index"))


@made_once
def make_world(root: Path, *, n_units: int = 6, n_answers: int = 3, name: str = "net", campaign: str = "try") -> World:
    """Unit i has IoU 0.02 (i + 1) and precision 0.6 + 0.08 i; all but the last unit are labeled."""
    dissection = make_dissection(root, n_units=n_units, n_top=N_TOP, n_low=N_LOW, name=name)
    DissectedUnit.objects.filter(dissection=dissection).update(peak_histogram=[1, 5, 9, 4, 0, 2])
    made = make_campaign(dissection, name=campaign)
    Campaign.objects.filter(pk=made.pk).update(state="collecting", published_at=NOW, committed_usd="4.20")
    made.refresh_from_db()
    workers = [
        Worker.objects.create(
            marketplace="own",
            external_id=f"ASIMULATED{name.upper()}{i}",
            pseudonym=f"{name}-person-{i}",
            is_simulated=i > 0,
            created_at=NOW,
        )
        for i in range(n_answers)
    ]
    for hit in made.hits.order_by("hit_units__unit__index")[: n_units - 1]:
        index = hit.hit_units.get().unit.index
        for i, worker in enumerate(workers):
            make_answer(
                hit=hit,
                worker=worker,
                external_id=f"{name}{index}-{i}",
                state=Assignment.State.SUBMITTED if i else Assignment.State.APPROVED,
                description=f"{CONCEPTS[index % 4]}s" if i else "something else",
                category=CATEGORIES[index % 4],
                marked_ranks=[i, i + 2],
                precision=1 - 2 / N_TOP,
                n_planted_missed=i % 2,
                active_seconds=60,
                submitted_at=NOW,
            )
    label_campaign(campaign=made, now=NOW)
    for dissected in (
        dissection.dissected_units.filter(unit__unit_labels__campaign=made).select_related("unit").distinct()
    ):
        _set_label(dissected, n_answers)
    return World(dissection, made)


def _set_label(dissected: DissectedUnit, n_answers: int) -> None:
    """What the labels rest on is as it was labeled; what tests tell units apart by is set."""
    index = dissected.unit.index
    precision = min(1.0, 0.6 + 0.08 * index)
    # The campaign's own label, and the label of record: of people alone, for some of the campaign's are simulated.
    mine = UnitLabel.objects.filter(unit=dissected.unit, source=str(dissected.dissection_id))
    mine.update(
        concept=CONCEPTS[index % 4],
        category=CATEGORIES[index % 4],
        precision=precision,
        precision_low=max(0.0, precision - 0.2),
        precision_high=min(1.0, precision + 0.1),
        n_answers=n_answers,
        n_same_concept=n_answers - 1 if index else 1,
        n_same_category=n_answers,
    )
    automatic = AutomaticLabel.objects.get(unit=dissected.unit, is_best=True, mode="paper")
    for label in mine:
        UnitComparison.objects.create(
            unit_label=label, automatic_label=automatic, relation=RELATIONS[index % 4], rule="written for a test"
        )


def make_person(role: Role, name: str = "") -> User:
    user = User.objects.create_user(name or role.value, password="five-green-lamps", is_staff=True)
    Membership.objects.create(user=user, role=role)
    return user


def sign_in(role: Role) -> Client:
    client = Client()
    client.force_login(make_person(role))
    return client
