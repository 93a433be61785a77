"""The page of a dissection shows its units and counts its detectors beside chance."""

from pathlib import Path

from django.test import Client

from tests.annotator.dashboard.making import World, make_world


def test_its_own_units_are_shown_those_of_most_evidence_first(world: World, viewer: Client, tmp_path: Path) -> None:
    make_world(tmp_path / "other", name="other", campaign="second")
    shown = viewer.get(f"/dissections/{world.dissection.pk}/")
    assert shown.context["shown_as"] == "Units with the highest precision, by where its interval begins"
    assert [card.index for card in shown.context["cards"]] == [4, 3, 2, 1, 0]
    assert {card.layer.network.name for card in shown.context["cards"]} == {"net"}
    world.dissection.state = "running"
    world.dissection.save()
    assert viewer.get(f"/dissections/{world.dissection.pk}/").context["cards"] == []


def test_detectors_stand_beside_chance_and_what_was_not_counted_is_said(world: World, viewer: Client) -> None:
    counts = {"n_detectors": 42, "n_unique": 30, "n_detectors_interval": [36, 48], "labels": []}
    world.dissection.detectors = {
        "features.3": {
            "paper": {**counts, "shuffled_labels": {"n_detectors": 7, "n_unique": 5}},
            "lite": counts,
        }
    }
    world.dissection.save()
    page = viewer.get(f"/dissections/{world.dissection.pk}/").content.decode()
    assert "[36, 48]" in page
    assert page.count("not measured") == 4
    assert page.count("not counted") == 2
    world.dissection.detectors = {"features.3": {}}
    world.dissection.save()
    assert "beside what chance gives" not in viewer.get(f"/dissections/{world.dissection.pk}/").content.decode()


def test_the_gallery_of_one_dissection_calls_it_by_its_network_and_images(world: World, viewer: Client) -> None:
    """Its id says nothing to a person."""
    page = viewer.get(f"/units/?dissection={world.dissection.pk}&concept=wheel")
    assert [(label, value) for label, value, _ in page.context["chips"]] == [
        ("Concept", "wheel"),
        ("Dissection", f"{world.dissection}, {world.dissection.run_words}"),
    ]
