"""Which units a campaign asks about: from every layer, never a silent one, each with why and with what probability."""

from pathlib import Path
from typing import Any

import pytest

from annotator.crowd.campaigns.composing import CannotCompose
from annotator.crowd.campaigns.extending import check_extension
from annotator.crowd.campaigns.publishing import CannotPublish
from annotator.crowd.campaigns.unit_choice import BadChoice, Choice, Wanted, choose_units, list_units, share_out
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import HIT, HITUnit
from annotator.labels.extending import decide_extensions
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, Layer, Unit
from tests.annotator.crowd.making import NOW, make_campaign, make_dissection

pytestmark = pytest.mark.django_db


def measure_layer(dissection: Dissection, *, path: str, n_units: int, iou: float) -> None:
    """A further layer of the same dissection; its units' IoUs fall from `iou`."""
    layer = Layer.objects.create(network=dissection.network, path=path, n_units=n_units, position=1)
    for index in range(n_units):
        unit = Unit.objects.create(layer=layer, index=index)
        DissectedUnit.objects.create(
            dissection=dissection, unit=unit, threshold=1, peak_low=0, peak_high=2, n_top=0, n_low=0, tile_px=8,
        )  # fmt: skip
        AutomaticLabel.objects.create(
            dissection=dissection, unit=unit, source=str(dissection.pk), mode="paper", category="object", label="dog",
            iou=iou - index / 1000, is_best=True,
        )  # fmt: skip
    dissection.layer_paths = [*dissection.layer_paths, path]
    dissection.save()


def silence(dissection: Dissection, **units: str) -> None:
    for index, why in units.items():
        rows = DissectedUnit.objects.filter(dissection=dissection, unit__index=int(index.removeprefix("u")))
        rows.update(silence=why)


def name(choice: Choice) -> list[tuple[str, int, str, float | None]]:
    return [
        (one.dissected_unit.unit.layer.path, one.dissected_unit.unit.index, one.because, one.probability)
        for one in choice.units
    ]


def test_each_layer_gives_its_share_of_top_and_random_units(tmp_path: Path) -> None:
    dissection = make_dissection(tmp_path, n_units=9, n_top=1, n_low=1)
    measure_layer(dissection, path="features.5", n_units=20, iou=0.9)  # every IoU here is above all of features.3
    chosen = name(choose_units([dissection], wanted=Wanted(n_top_iou=6, n_random=4), seed=3))
    by_kind = [(path, because) for path, _, because, _ in chosen]
    for path in ("features.3", "features.5"):
        assert (by_kind.count((path, "top IoU")), by_kind.count((path, "random"))) == (3, 2)
    assert {(path, p) for path, _, because, p in chosen if because == "random"} == {
        ("features.3", 2 / 6), ("features.5", 2 / 17),
    }  # fmt: skip
    assert {p for _, _, because, p in chosen if because == "top IoU"} == {1.0}


def test_what_one_layer_cannot_give_comes_from_the_others() -> None:
    assert share_out(12, [20, 20]) == [6, 6]
    assert share_out(5, [20, 20]) == [3, 2]
    assert share_out(10, [2, 20]) == [2, 8]
    assert share_out(10, [2, 3]) == [2, 3]
    assert share_out(1, [0, 3, 3]) == [0, 1, 0]
    assert share_out(0, [3]) == [0]
    assert share_out(2, []) == []


def test_silent_units_are_left_out_of_every_way_of_choosing(tmp_path: Path) -> None:
    dissection = make_dissection(tmp_path, n_units=8, n_top=1, n_low=1)
    silence(dissection, u0="constant", u5="negative", u7="tied")  # unit 7 has the highest IoU
    at_random = choose_units([dissection], wanted=Wanted(n_top_iou=0, n_random=8), seed=1)
    assert sorted(index for _, index, _, _ in name(at_random)) == [1, 2, 3, 4, 6]
    assert {p for _, _, _, p in name(at_random)} == {1.0}
    assert [unit.unit.index for unit in at_random.silent] == [0, 5, 7]
    top = choose_units([dissection], wanted=Wanted(n_top_iou=2, n_random=0), seed=1)
    assert [index for _, index, _, _ in name(top)] == [6, 4]
    named = choose_units([dissection], wanted=Wanted(names=["features.3:4-5"]), seed=1)
    assert name(named) == [("features.3", 4, "named", None)]
    assert [unit.unit.index for unit in named.silent] == [5]
    with pytest.raises(BadChoice, match=r"features.3:5 \(never above zero\)"):
        choose_units([dissection], wanted=Wanted(names=["features.3:5"]), seed=1)
    with pytest.raises(BadChoice, match="only 8 can be drawn"):
        choose_units([dissection], wanted=Wanted(n_top_iou=0, n_random=9), seed=1)


def test_named_units_are_these_and_no_others(tmp_path: Path) -> None:
    dissection = make_dissection(tmp_path, n_units=40, n_top=1, n_low=1)
    named = Wanted(names=["features.3:3,17"])
    assert [index for _, index, _, _ in name(choose_units([dissection], wanted=named, seed=1))] == [3, 17]
    assert len(choose_units([dissection], wanted=Wanted(), seed=1).units) == 24 + 8
    # A named unit that is drawn as well counts as drawn: hand-picking leaves the draw as it is.
    alone = choose_units([dissection], wanted=Wanted(n_top_iou=4, n_random=10), seed=1)
    both = choose_units([dissection], wanted=Wanted(n_top_iou=4, n_random=10, names=["features.3:0-39"]), seed=1)
    assert set(name(alone)) == {one for one in name(both) if one[2] != "named"}
    assert len(both.units) == 40


def test_a_number_that_nobody_asked_for_gives_way(tmp_path: Path) -> None:
    dissection = make_dissection(tmp_path, n_units=10, n_top=1, n_low=1)

    def count(**wanted: Any) -> list[int]:
        reasons = [one[2] for one in name(choose_units([dissection], wanted=Wanted(**wanted), seed=1))]
        return [reasons.count("top IoU"), reasons.count("random")]

    assert count() == [2, 8]
    assert count(n_random=8) == [2, 8]
    assert count(n_top_iou=6) == [6, 4]
    with pytest.raises(BadChoice):
        count(n_top_iou=-1)


def test_units_that_matter_to_the_network_can_be_chosen(tmp_path: Path) -> None:
    """The n of highest importance among the rest, in the layers that have one; random units come after them."""
    dissection = make_dissection(tmp_path, n_units=9, n_top=1, n_low=1)
    with pytest.raises(BadChoice, match="importance of these units has not been measured"):
        choose_units([dissection], wanted=Wanted(n_top_importance=2), seed=1)
    measure_layer(dissection, path="features.5", n_units=6, iou=0.9)
    for unit in Unit.objects.filter(layer__path="features.5"):
        unit.importance = {0: 0.5, 2: 9.0, 4: 3.0, 5: 3.0}.get(unit.index, 0.1)
        unit.save()
    silence(dissection, u2="constant")  # in both layers: the most important unit is never asked about
    chosen = name(choose_units([dissection], wanted=Wanted(n_top_importance=2, n_random=0), seed=1))
    assert chosen == [("features.5", 4, "top importance", 1.0), ("features.5", 5, "top importance", 1.0)]
    chosen = name(choose_units([dissection], wanted=Wanted(n_top_iou=2, n_top_importance=2, n_random=3), seed=1))
    # Unit 0 of features.5 has its highest IoU, too, and comes once.
    assert [one[:3] for one in chosen if one[2] != "random"] == [
        ("features.3", 8, "top IoU"), ("features.5", 0, "top IoU"),
        ("features.5", 4, "top importance"), ("features.5", 5, "top importance"),
    ]  # fmt: skip
    assert len({one[:2] for one in chosen}) == 7
    assert len(choose_units([dissection], wanted=Wanted(n_top_importance=2), seed=1).units) == 2 + 8
    with pytest.raises(BadChoice, match="0 or more"):
        Wanted(n_top_importance=-1)


def test_without_labels_the_default_is_a_random_sample(tmp_path: Path) -> None:
    dissection = make_dissection(tmp_path, n_units=40, n_top=1, n_low=1)
    AutomaticLabel.objects.all().delete()
    assert [one[2] for one in name(choose_units([dissection], wanted=Wanted(), seed=1))] == ["random"] * 8
    with pytest.raises(BadChoice, match="no highest IoU"):
        choose_units([dissection], wanted=Wanted(n_top_iou=5), seed=1)


def test_a_unit_of_two_dissections_comes_once_from_the_first(tmp_path: Path) -> None:
    first = make_dissection(tmp_path, n_units=3, n_top=1, n_low=1)
    second = Dissection.objects.create(
        network=first.network, image_set=first.image_set, layer_paths=first.layer_paths, state="done", created_at=NOW
    )
    for row in list(first.dissected_units.all()):
        row.pk, row.dissection = None, second
        row.save()
    assert [unit.dissection_id for unit in list_units([second, first])] == [second.pk] * 3


def test_no_way_of_composing_publishes_a_silent_unit(tmp_path: Path) -> None:
    dissection = make_dissection(tmp_path)
    silence(dissection, u2="constant")
    with pytest.raises(CannotCompose, match=r"features.3:2 \(the same peak on every image\)"):
        make_campaign(dissection)


def test_nobody_more_is_asked_about_a_silent_unit_of_an_old_campaign(tmp_path: Path) -> None:
    dissection = make_dissection(tmp_path)
    campaign = make_campaign(dissection, max_assignments=5)
    campaign.hits.update(state=HIT.State.COMPLETE)
    for row in HITUnit.objects.filter(hit__campaign=campaign):
        UnitLabel.objects.create(
            campaign=campaign, unit=row.unit, concept="dog", category="object", precision=0.5, precision_low=0.1,
            precision_high=0.9, n_answers=1, labeled_at=NOW,
        )  # fmt: skip
    assert len(decide_extensions(campaign=campaign, widest=None)) == 4
    silence(dissection, u2="constant")
    assert len(decide_extensions(campaign=campaign, widest=None)) == 3
    hit = campaign.hits.get(hit_units__unit__index=2)
    with pytest.raises(CannotPublish, match="silent"):
        check_extension(hit, n_more=1, marketplace=open_marketplace("own"))
