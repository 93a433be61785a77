"""Fills a fresh database with generated units, crops and answers, as many as asked; none was measured or said.

Row 0 of each table is made through its model; the others are copies of it inside the database, with the columns that
tell them apart computed from the row's number. So the rows are the same each time, and models may grow columns.
"""

from datetime import UTC, datetime
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model

from annotator.comparison.models import UnitComparison
from annotator.crowd.models import HIT, Answer, Assignment, Campaign, HITType, HITUnit, Worker
from annotator.labels.models import UnitLabel
from annotator.notes.models import SavedView, UnitNote, UnitTag
from annotator.readouts.models import Readout
from annotator.studies.models import Study
from annotator.studies.plan import Plan
from annotator.units.models import (
    AutomaticLabel,
    DissectedUnit,
    Dissection,
    Image,
    ImageSet,
    Layer,
    Network,
    TopImage,
    Unit,
)

LAYER_UNITS, CROPS, ANSWERS, IMAGES, WORKERS = 500, 60, 20, 2000, 1000
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
CONCEPTS = ["wheel", "sky", "striped", "brick wall", "window", "tree", "face", "sign", "sea", "lamp", "grass", "red"]
LABELS = ["wheel", "sky", "striped", "brick", "window", "tree", "head", "sign", "sea", "lamp", "grass", "red-c"]
RELATIONS = ["equal", "equal", "equal", "hypernym", "equal", "equal", "different", "equal", "synonym", "different"]
CATEGORIES = ["object part", "scene", "texture or material", "object", "region or surface"]
BRODEN = ["part", "object", "texture", "material", "color"]


def _pick(words: list[str], number: str) -> str:
    listed = ",".join(f"'{word}'" for word in words)
    return f"(array[{listed}])[1 + ({number}) % {len(words)}]"


def _chance(number: str) -> str:
    """A share of 1 that looks drawn and follows from the number."""
    return f"((hashint8(({number})::bigint) & 65535) / 65536.0)"


def _copy(row: Model, n_rows: int, **differing: str) -> None:
    """Rows 1 to n_rows - 1 after `row`, which is row 0. Expressions speak of the row's number as i."""
    fields = [field for field in row._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(differing.pop(field.attname, f't."{field.column}"') for field in fields)
    assert not differing, f"{row._meta.label} has no {', '.join(differing)}."
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" (id, {columns}) SELECT i + 1, {values} '  # noqa: S608 names come from the models
            f'FROM "{table}" t, generate_series(1, {n_rows - 1}) i WHERE t.id = 1'
        )


def fill(*, n_units: int) -> None:
    """n_units units with 60 crops and 20 answers each, in layers of 500, one dissection, one campaign; a note and a tag
    for every tenth unit; a kept view, a study and a read-out for each layer.
    """
    with connection.cursor() as cursor:
        # Foreign keys are right by construction; checking millions of them would take most of the time.
        cursor.execute("SET session_replication_role = replica")
        _fill_units(n_units)
        _fill_answers(n_units)
        _fill_notes(n_units)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")  # so that its writing does not meet the first requests


def _fill_units(n_units: int) -> None:
    network = Network.objects.create(id=1, name="generated", architecture="unitscope:generated", registered_at=NOW)
    images = ImageSet.objects.create(
        id=1, name="generated", address="/nowhere", has_labels=True, is_rendered=True, registered_at=NOW
    )
    n_layers = -(-n_units // LAYER_UNITS)
    dissection = Dissection.objects.create(
        network=network,
        image_set=images,
        layer_paths=[f"block.{i}" for i in range(n_layers)],
        state="done",
        artifact_name="file:///nowhere",
        created_at=NOW,
    )
    image = Image.objects.create(id=1, image_set=images, index=0, path="images/0.jpg")
    _copy(image, IMAGES, index="i", path="'images/' || i || '.jpg'")
    layer = Layer.objects.create(id=1, network=network, path="block.0", position=0, n_units=LAYER_UNITS)
    _copy(layer, n_layers, path="'block.' || i", position="i")
    unit = Unit.objects.create(id=1, layer=layer, index=0)
    _copy(unit, n_units, layer_id=f"i / {LAYER_UNITS} + 1", index=f"i % {LAYER_UNITS}")
    row = DissectedUnit.objects.create(
        id=1, dissection=dissection, unit=unit, threshold=1, peak_low=0, peak_high=2, peak_histogram=[1, 5, 9, 4, 1],
        n_top=57, n_low=3, tile_px=128, strip="0" * 64,
    )  # fmt: skip
    _copy(row, n_units, unit_id="i + 1", strip="md5(i::text) || md5(i::text)")
    crop = TopImage.objects.create(
        id=1, dissected_unit=row, image=image, rank=0, peak=2, peak_row=1, peak_column=1, crop_left=0, crop_top=0,
        crop_side=64,
    )  # fmt: skip
    _copy(
        crop, n_units * CROPS, dissected_unit_id=f"i / {CROPS} + 1", rank=f"i % {CROPS}", is_low=f"i % {CROPS} >= 57",
        image_id=f"(i::bigint * 31) % {IMAGES} + 1", peak=f"2 - (i % {CROPS}) / 100.0",
    )  # fmt: skip
    best = AutomaticLabel.objects.create(
        id=1, dissection=dissection, unit=unit, source=str(dissection.pk), mode="paper", category="part",
        label="wheel", iou=0.1, is_best=True,
    )  # fmt: skip
    _copy(
        best, n_units, unit_id="i + 1", label=_pick(LABELS, "i"), category=_pick(BRODEN, "i"), iou=f"{_chance('i')} / 4"
    )


def _fill_answers(n_units: int) -> None:
    campaign = Campaign.objects.create(
        id=1, name="generated", state="collecting", n_assignments=ANSWERS, reward_usd=Decimal("0.60"),
        budget_cap_usd=Decimal(9_000_000), seed=1, created_at=NOW, published_at=NOW,
    )  # fmt: skip
    hit_type = HITType.objects.create(id=1, campaign=campaign)
    worker = Worker.objects.create(
        id=1, marketplace="own", external_id="A0", pseudonym="person-0", is_simulated=True, created_at=NOW
    )
    _copy(worker, WORKERS, external_id="'A' || i", pseudonym="'person-' || i")
    hit = HIT.objects.create(
        id=1, campaign=campaign, hit_type=hit_type, question_key="1", seed=1, n_assignments=ANSWERS, state="published",
        external_id="H0",
    )  # fmt: skip
    _copy(hit, n_units, question_key="i + 1", public_id="gen_random_uuid()", external_id="'H' || i")
    asked = HITUnit.objects.create(id=1, hit=hit, unit_id=1, dissected_unit_id=1)
    _copy(asked, n_units, hit_id="i + 1", unit_id="i + 1", dissected_unit_id="i + 1")
    work = Assignment.objects.create(
        id=1, hit=hit, worker=worker, external_id="S0", state="approved", active_seconds=90, submitted_at=NOW
    )
    _copy(
        work, n_units * ANSWERS, hit_id=f"i / {ANSWERS} + 1", worker_id=f"(i % {ANSWERS}) * 37 % {WORKERS} + 1",
        external_id="'S' || i",
    )  # fmt: skip
    answer = Answer.objects.create(
        id=1, assignment=work, hit_unit=asked, says={}, description="wheel", category="object part",
        marked_ranks=[3, 9, 11], shown_ranks=list(range(60)), precision=0.9,
    )  # fmt: skip
    _copy(
        answer, n_units * ANSWERS, assignment_id="i + 1", hit_unit_id=f"i / {ANSWERS} + 1",
        description=_pick(CONCEPTS, f"i / {ANSWERS} + (i % 7) / 6"), category=_pick(CATEGORIES, f"i / {ANSWERS}"),
        precision=f"1 - {_chance('i')} / 3",
    )  # fmt: skip
    label = UnitLabel.objects.create(
        id=1, campaign=campaign, unit_id=1, concept="wheel", category="object part", precision=0.9, precision_low=0.8,
        precision_high=0.95, n_answers=ANSWERS, n_same_concept=ANSWERS, n_same_category=ANSWERS, labeled_at=NOW,
        source=AutomaticLabel.objects.get(pk=1).source, is_of_record=True,
    )  # fmt: skip
    _copy(
        label, n_units, unit_id="i + 1", concept=_pick(CONCEPTS, "i"), category=_pick(CATEGORIES, "i"),
        precision=f"1 - {_chance('i + 7')} / 2", precision_low=f"0.8 - {_chance('i + 7')} / 2",
        n_same_concept=f"(8 + 12 * {_chance('i + 3')})::int",
    )  # fmt: skip
    compared = UnitComparison.objects.create(
        id=1, unit_label=label, automatic_label_id=1, relation="equal", rule="made"
    )
    _copy(compared, n_units, unit_label_id="i + 1", automatic_label_id="i + 1", relation=_pick(RELATIONS, "i"))


def _fill_notes(n_units: int) -> None:
    user = User.objects.create(username="writer")
    n_noted, n_layers = -(-n_units // 10), -(-n_units // LAYER_UNITS)
    note = UnitNote.objects.create(id=1, unit_id=1, author=user, text="It also fires on spokes.", written_at=NOW)
    _copy(note, n_noted, unit_id="i * 10 + 1", written_at="t.written_at + i * interval '1 second'")
    tag = UnitTag.objects.create(id=1, unit_id=1, author=user, name="wheel", tagged_at=NOW)
    _copy(tag, n_noted, unit_id="i * 10 + 1", name=_pick(CONCEPTS, "i"))
    view = SavedView.objects.create(id=1, owner=user, name="view 0", address="/units/?concept=wheel", saved_at=NOW)
    _copy(view, n_layers, name="'view ' || i")
    plan = Plan(units=("block.0:0",), methods=("people",), image_set="generated", image_set_sha256="", n_images=1)
    study = Study.objects.create(
        id=1, name="study-0", dissection_id=Dissection.objects.get().pk, plan=plan.describe(), sha256="0" * 64,
        planned_at=NOW,
    )  # fmt: skip
    _copy(study, n_layers, name="'study-' || i", planned_at="t.planned_at + i * interval '1 second'")
    for i in range(n_layers):
        Readout.objects.create(
            name=f"readout-{i}", task="classify", architecture="unitscope:generated", layer=f"block.{i}",
            state="refused", refusal="generated", created_at=NOW,
        )  # fmt: skip
