"""Crops that are missing or damaged are noticed before people are asked: at composing, publishing and extending."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from annotator.crowd.campaigns.crops import CropsGone
from annotator.crowd.campaigns.extending import extend_hits, give_time
from annotator.crowd.judging.attention import find_attention
from annotator.crowd.models import HIT, Campaign, OutwardAct
from annotator.units.models import Dissection
from annotator.units.strips import read_strip
from tests.annotator.crowd.making import make_campaign, make_dissection
from workers import store
from workers.engine.format.artifact import tile_name
from workers.store import StoreError, open_store

pytestmark = pytest.mark.django_db(transaction=True)


def find_strips(dissection: Dissection) -> list[Path]:
    folder = Path(dissection.artifact.removeprefix("file://"))
    return [folder / tile_name(unit.strip) for unit in dissection.dissected_units.order_by("unit__index")]


def remove_one(dissection: Dissection) -> None:
    find_strips(dissection)[1].unlink()


def remove_all(dissection: Dissection) -> None:
    shutil.rmtree(dissection.artifact.removeprefix("file://"))


def exchange_two(dissection: Dissection) -> None:
    """Good pictures, of the wrong unit."""
    first, second = find_strips(dissection)[:2]
    first.write_bytes(second.read_bytes())


def cut_short(dissection: Dissection) -> None:
    for path in find_strips(dissection)[:2]:
        path.write_bytes(path.read_bytes()[:-100])


def empty_one(dissection: Dissection) -> None:
    find_strips(dissection)[3].write_bytes(b"")


def unplug(dissection: Dissection) -> None:
    """A folder at the place of a file answers with an error, as a store that is away does."""
    path = find_strips(dissection)[0]
    path.unlink()
    path.mkdir()


HARM: list[tuple[Callable[[Dissection], None], str]] = [
    (remove_one, "The crops of .* unit 1.* are missing\\. Restore the artifact .*, or dissect again"),
    (remove_all, "missing\\. So are those of 3 more units\\."),
    (exchange_two, "unit 0.* are damaged\\."),
    (cut_short, "damaged\\. So are those of 1 more unit\\."),
    (empty_one, "unit 3.* are damaged\\."),
    (unplug, "The store of .* does not answer, so that nobody sees the crops"),
]
each_harm = pytest.mark.parametrize(("harm", "said"), HARM, ids=[harm.__name__ for harm, _ in HARM])


@each_harm
def test_nothing_is_composed(dissection: Dissection, harm: Callable[[Dissection], None], said: str) -> None:
    harm(dissection)
    with pytest.raises(CropsGone, match=said):
        make_campaign(dissection, name="try")
    assert not Campaign.objects.exists()


@each_harm
def test_nothing_is_published(
    market: Any, dissection: Dissection, harm: Callable[[Dissection], None], said: str
) -> None:
    campaign = make_campaign(dissection, name="try")
    for unit in dissection.dissected_units.all():
        read_strip(artifact=dissection.artifact, strip=unit.strip)  # what this process remembers is not looked at
    harm(dissection)
    with pytest.raises(CropsGone, match=said):
        market.publish(campaign)
    assert not OutwardAct.objects.exists()
    assert set(HIT.objects.values_list("state", flat=True)) == {"composed"}


def test_a_published_campaign_asks_for_no_more(market: Any, dissection: Dissection) -> None:
    campaign = make_campaign(dissection, name="try")
    market.publish(campaign)
    n_acts = OutwardAct.objects.count()
    assert find_attention(campaign=campaign, now=market.clock()) == []
    remove_one(dissection)
    (need,) = find_attention(campaign=campaign, now=market.clock())
    assert (need.kind, "see no crops. The crops of" in need.words) == ("crops", True)
    session = market.open_session(campaign)
    hits = list(campaign.hits.order_by("hit_units__unit__index"))
    with pytest.raises(CropsGone, match="missing"):
        give_time(session, lifetime=timedelta(days=90))
    with pytest.raises(CropsGone, match="missing"):
        extend_hits(session, n_more={hits[1].pk: 1})
    assert OutwardAct.objects.count() == n_acts
    extend_hits(session, n_more={hits[0].pk: 1})
    assert OutwardAct.objects.count() == n_acts + 1, "only the HITs that are extended must have their crops"


def test_a_store_of_objects_is_asked_in_the_same_way(
    dissection: Dissection, s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = open_store(f"{s3_root}/whole")
    for unit, path in zip(dissection.dissected_units.order_by("unit__index"), find_strips(dissection), strict=True):
        there.write(tile_name(unit.strip), path.read_bytes())
    Dissection.objects.update(artifact_name=f"{s3_root}/whole")
    make_campaign(dissection, name="whole")
    there.write(tile_name(dissection.dissected_units.earliest("pk").strip), b"something else")
    with pytest.raises(CropsGone, match="damaged"):
        make_campaign(dissection, name="harmed")
    Dissection.objects.update(artifact_name=f"{s3_root}/elsewhere")
    with pytest.raises(CropsGone, match="missing"):
        make_campaign(dissection, name="gone")

    def be_away(self: store.S3Store, name: str) -> bytes:
        raise StoreError("It does not answer.")

    monkeypatch.setattr(store.S3Store, "read", be_away)
    with pytest.raises(CropsGone, match="does not answer"):
        make_campaign(dissection, name="away")


def test_a_folder_that_does_not_answer_keeps_no_other_from_being_read(dissection: Dissection, tmp_path: Path) -> None:
    other = make_dissection(tmp_path, name="other")
    unplug(dissection)
    with pytest.raises(CropsGone, match="does not answer"):
        make_campaign(dissection, name="try")
    assert make_campaign(other, name="fine").hits.count() > 0
