"""The gallery's address is its state: named filters only, and what passes them equals a slow look at every row."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.comparison.models import UnitComparison
from annotator.crowd.models import Campaign
from annotator.dashboard.api.routes import UnitFilters
from annotator.dashboard.units.scope import find_scope
from annotator.dashboard.units.searching import find_units
from annotator.dashboard.units.selection import SORTS, Selection, SelectionForm, UnknownFilter, read_selection
from annotator.descriptions.models import Description, Method
from annotator.labels.models import UnitLabel
from annotator.published.importing import import_annotations, import_iou
from annotator.units.models import AutomaticLabel, Dissection, Layer, Unit
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.making import World, make_world

# Of the 10,000 that `make drill` draws.
N_LOOK_UPS = int(os.environ.get("UNITSCOPE_LOOK_UPS") or 100)
PARTS = ["unit", "layer", "dissection", "pk", "id", "labels", "network", "password", "user", "artifact", "people"]
LOOKUPS = ["", "__gt", "__icontains", "__regex", "__isnull", "__in", "__exact", "__contains"]


def read(query: str) -> Selection:
    return read_selection(QueryDict(query))


def found(query: str) -> list[int]:
    selection = read(query)
    units = Unit.objects.in_bulk()
    return [units[pk].index for pk in find_units(selection, find_scope(selection), n_most=100)]


@settings(max_examples=N_LOOK_UPS, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=4),
    st.sampled_from(LOOKUPS),
    # A NUL character is refused before any view (nul_characters.py).
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
)
def test_generated_look_ups_are_refused_in_words_and_change_nothing(
    world: World, viewer: Client, parts: list[str], lookup: str, value: str
) -> None:
    name = "__".join(parts) + lookup
    if name in SelectionForm.base_fields or name in UnitFilters.model_fields:
        return
    query = urlencode({name: value})
    with CaptureQueriesContext(connection) as captured:
        # As htmx asks, the page's refusal is the sentence alone.
        page = viewer.get(f"/units/?{query}", headers={"HX-Request": "true"})
        answer = viewer.get(f"/api/campaigns/try/units?{query}")
    assert (page.status_code, answer.status_code) == (400, 422), query
    assert "There is no filter named" in page.content.decode()
    assert "There is no parameter named" in answer.content.decode()
    asked = [one["sql"] for one in captured.captured_queries]
    assert all(sql.startswith("SELECT") and "units_unit" not in sql for sql in asked), asked


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("iou_min=101", "iou_min"),
        ("iou_min=nan", "iou_min"),
        ("precision_min=0.9&precision_max=0.1", "lower bound lies above"),
        ("category=unit__layer", "category"),
        ("sort=-pk", "sort"),
        ("sort=method", "Choose the method whose scores"),
        ("page=0", "page"),
        ("dissection=7", "dissection"),
        ("index=-1", "index"),
        ("concept=" + "x" * 101, "concept"),
    ],
)
def test_values_that_a_filter_cannot_have_are_refused(query: str, words: str) -> None:
    with pytest.raises(UnknownFilter, match=words):
        read(query)


def test_a_refused_filter_is_told_on_the_page(world: World, viewer: Client) -> None:
    response = viewer.get("/units/?unit__layer__network__name=net")
    assert response.status_code == 400
    assert "There is no filter named &#x27;unit__layer__network__name&#x27;." in response.content.decode()


@settings(max_examples=100, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "concept": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20),
            "iou_min": st.floats(0, 1),
            "precision_max": st.floats(0, 1),
            "category": st.sampled_from(["scene", "object part"]),
            "review": st.just(True),
            "index": st.integers(0, 10_000),
            # The order by a method's scores needs the method.
            "sort": st.sampled_from([name for name, _ in SORTS if name != "method"]),
            "method": st.just("INVERT"),
            "page": st.integers(1, 1000),
        },
    )
)
def test_an_address_leads_back_to_the_same_view(values: dict[str, Any]) -> None:
    values = {name: value.strip() if name == "concept" else value for name, value in values.items()}
    values = {name: value for name, value in values.items() if value != ""}
    address = Selection(values).address()
    assert read(address[1:]).values == values


def _oracle(passes: Callable[[Any, Any, Any], bool], dissection: Dissection) -> set[int]:
    """Every unit with its label, its best IoU label and its comparison, looked at one by one."""
    indexes = set()
    for row in dissection.dissected_units.select_related("unit"):
        label = UnitLabel.objects.filter(unit=row.unit).first()
        broden = AutomaticLabel.objects.filter(unit=row.unit, is_best=True, mode="paper").first()
        comparison = UnitComparison.objects.filter(unit_label=label).first() if label else None
        if passes(label, broden, comparison):
            indexes.add(row.unit.index)
    return indexes


CASES: list[tuple[str, Callable[[Any, Any, Any], bool]]] = [
    ("", lambda label, broden, comparison: True),
    ("concept=WHEEL", lambda label, broden, comparison: bool(label) and "wheel" in label.concept),
    ("concept=gadget 3", lambda label, broden, comparison: broden.label == "gadget 3"),
    ("category=scene", lambda label, broden, comparison: bool(label) and label.category == "scene"),
    ("broden_category=object", lambda label, broden, comparison: broden.category == "object"),
    ("broden_category=color", lambda label, broden, comparison: broden.category == "color"),
    ("precision_min=0.75", lambda label, broden, comparison: bool(label) and label.precision >= 0.75),
    ("precision_max=0.7", lambda label, broden, comparison: bool(label) and label.precision <= 0.7),
    ("agreement_min=0.5", lambda label, broden, c: bool(label) and label.n_same_concept >= 0.5 * label.n_answers),
    ("index=3", lambda label, broden, c: broden.unit.index == 3),
    ("iou_min=0.05&iou_max=0.09", lambda label, broden, comparison: 0.05 <= broden.iou <= 0.09),
    ("relation=agree", lambda label, broden, c: bool(c) and c.relation in ("equal", "synonym")),
    ("relation=different", lambda label, broden, c: bool(c) and c.relation == "different"),
    (
        "review=on",
        lambda label, broden, c: (
            bool(label)
            and (
                (label.n_answers >= 2 and label.n_same_concept < label.n_answers / 2)
                or (c.relation == "different" and label.precision > 0.75 and broden.iou > 0.04)
            )
        ),
    ),
]


def test_a_filter_passes_what_a_slow_look_passes(world: World) -> None:
    for query, passes in CASES:
        indexes = found(query)
        assert len(indexes) == len(set(indexes)), query
        assert set(indexes) == _oracle(passes, world.dissection), query


def test_every_filter_of_the_cases_separates(world: World) -> None:
    """A case that passes all or nothing would prove little; one of each is allowed."""
    sizes = [len(found(query)) for query, _ in CASES]
    assert sizes.count(6) <= 2
    assert sizes.count(0) <= 1


def test_the_orders(world: World) -> None:
    assert found("sort=iou") == [5, 4, 3, 2, 1, 0]
    assert found("sort=precision") == [4, 3, 2, 1, 0, 5]  # the unlabeled one last
    assert found("sort=least-precise") == [0, 1, 2, 3, 4, 5]
    assert found("sort=index") == [0, 1, 2, 3, 4, 5]
    Unit.objects.filter(index=2).update(importance=0.5)
    Unit.objects.filter(index=4).update(importance=1.5)
    assert found("sort=importance") == [4, 2, 0, 1, 3, 5]  # those of unknown importance last
    assert found("sort=importance&iou_min=0") == [4, 2, 0, 1, 3, 5]


def test_units_that_a_method_describes_by_its_scores(world: World) -> None:
    methods = [Method.objects.create(name=name, created_at=NOW) for name in ("CLIP-Dissect", "INVERT")]
    scores = {1: 0.2, 3: None, 4: 0.9}
    for method, by_unit in zip(methods, (scores, {0: 0.5, 4: 0.1}), strict=True):
        for index, score in by_unit.items():
            unit = Unit.objects.get(index=index)
            text = f"a thing {index}"
            Description.objects.create(unit=unit, method=method, text=text, score=score, source="", imported_at=NOW)
    assert sorted(found("method=CLIP-Dissect")) == [1, 3, 4]
    assert found("method=CLIP-Dissect&sort=method") == [4, 1, 3]
    assert found("method=INVERT&sort=method") == [0, 4]
    assert found("method=INVERT&concept=a thing 4") == [4]
    assert found("method=Nobody") == []
    assert len(found("")) == 6


def test_of_two_dissections_the_one_that_people_answered_about_speaks(world: World) -> None:
    """The newest if nobody did; another one if it is named."""
    old = world.dissection
    new = Dissection.objects.create(
        network=old.network,
        image_set=old.image_set,
        layer_paths=old.layer_paths,
        state="done",
        artifact_name=old.artifact_name,
        created_at=old.created_at.replace(year=2027),
    )
    for row in old.dissected_units.all():
        row.pk, row.dissection = None, new
        row.save()
    assert set(find_scope(Selection()).dissections.values()) == {old}
    assert found("category=scene")
    assert found(f"dissection={new.pk}&category=scene") == [], "people saw the other crops"
    one = UnitLabel.objects.filter(is_of_record=True).first()
    assert one is not None
    one.pk, one.campaign, one.source, one.n_answers, one.n_simulated = None, None, str(new.pk), 1, 0
    one.save()
    assert set(find_scope(Selection()).dissections.values()) == {old}, "one answer does not replace many"
    UnitLabel.objects.all().delete()
    assert set(find_scope(Selection()).dissections.values()) == {new}
    for index, row in enumerate(old.dissected_units.order_by("unit__index")):
        AutomaticLabel.objects.create(
            dissection=new, unit=row.unit, source=str(new.pk), mode="paper", category="object", label="tree",
            iou=0.5 - 0.01 * index, is_best=True,
        )  # fmt: skip
    assert len(found("")) == len(found(f"dissection={old.pk}")) == 6
    assert (found("concept=gadget 3"), found(f"dissection={old.pk}&concept=gadget 3")) == ([], [3])
    assert found("concept=tree") == [0, 1, 2, 3, 4, 5]


def test_a_layer_is_spoken_for_by_its_own_dissection_though_another_measured_it_before(world: World) -> None:
    """The older one still speaks for a layer of its own; of the shared layer its labels are not asked."""
    UnitLabel.objects.all().delete()
    old = world.dissection
    old.layer_paths = ["features.3", "features.9"]
    old.save()
    other = Unit.objects.create(layer=Layer.objects.create(network=old.network, path="features.9", n_units=1), index=7)
    AutomaticLabel.objects.create(
        dissection=old, unit=other, source=str(old.pk), mode="paper", category="object", label="sea", iou=0.3,
        is_best=True,
    )  # fmt: skip
    Dissection.objects.create(
        network=old.network, image_set=old.image_set, layer_paths=["features.3"], state="done",
        artifact_name=old.artifact_name, created_at=old.created_at.replace(year=2027),
    )  # fmt: skip
    assert found("concept=thing") == []
    assert found("concept=sea") == [7]
    assert found("sort=iou")[0] == 7


def test_a_turned_basis_speaks_for_no_layer(world: World) -> None:
    old = world.dissection
    turned = Dissection.objects.create(
        network=old.network, image_set=old.image_set, layer_paths=old.layer_paths, state="done",
        options={"rotation": 0.5}, artifact_name=old.artifact_name, created_at=old.created_at.replace(year=2027),
    )  # fmt: skip
    assert turned not in find_scope(Selection()).dissections.values()
    assert found("concept=gadget 3") == [3]


def test_two_networks_stand_side_by_side(world: World, viewer: Client, tmp_path: Any) -> None:
    make_world(tmp_path, name="other", campaign="second", n_units=3)
    page = viewer.get("/units/?network=net&layer=features.3&beside=other/features.3&campaign=try").content.decode()
    assert "net features.3" in page
    assert "other features.3" in page
    assert page.count('class="us-unit"') == 9


def test_units_of_published_files_stand_in_the_gallery(world: World, viewer: Client, tmp_path: Path) -> None:
    """Beside what was dissected here: by people's word, by the label that was imported last, and with no crops."""
    said = [("lamp", 0.9), ("sea", 0.7), ("dog", 0.8)]
    rows = [
        {"layer": "pool5", "index": index, "description": word, "category": "object", "precision": precision}
        for index, (word, precision) in enumerate(said)
    ]
    (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, rows)))
    import_annotations(campaign_name="old", path=tmp_path / "answers.jsonl", network_name="places", now=NOW)
    for iou in (0.2, 0.3):
        (tmp_path / "iou.csv").write_text(NETDISSECT.format(iou=iou))
        import_iou(campaign=Campaign.objects.get(name="old"), layer_path="pool5", path=tmp_path / "iou.csv")
    assert len(found("")) == 6 + 3
    assert found("network=places&sort=precision") == [0, 2, 1]
    assert found("network=places&iou_min=0.25") == [1]
    assert found("concept=sea") == [1]
    page = viewer.get("/units/?network=places&sort=precision").content.decode()
    assert page.count("no crops") == 3
    assert "0.300" in page
    assert viewer.get("/units/places/pool5/1/").status_code == 200


NETDISSECT = (
    "unit,category,label,score,object-label,object-truth,object-activation,object-intersect,object-iou\n"
    "2,object,sea,{iou},sea,100,100,50,{iou}\n"
)


def test_paging_shows_every_unit_once(db: None, viewer: Client, tmp_path: Any) -> None:
    make_world(tmp_path, n_units=40)
    pages = [viewer.get(f"/units/?sort=index&page={page}").content.decode() for page in (1, 2, 3)]
    assert [page.count('class="us-unit"') for page in pages] == [24, 16, 0]
    assert [('rel="next"' in page) for page in pages] == [True, False, False]
