"""Simulated people do a campaign over HTTP, go on after an interruption, and are called simulated."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import House

pytestmark = pytest.mark.xdist_group("flows")


def launch(house: House, dissection: dict[str, Any], campaign: str) -> None:
    house.manage("launch", campaign, "--dissection", dissection["id"], "--top-iou", "2", "--random", "0", "--seed", "5",
                 "--assignments", "2", "--yes")  # fmt: skip


def test_people_answer_every_hit_in_two_goes_and_nobody_meets_the_same_crops_twice(
    house: House, dissection: dict[str, Any], dissection_images: Path
) -> None:
    launch(house, dissection, "crew")
    work = ("--images", str(dissection_images), "--workers", "5")
    assert "submitted 2 assignments" in house.manage("simulate_people", "crew", *work, "--stop-after", "1")
    assert "submitted 2 assignments" in house.manage("simulate_people", "crew", *work)
    assert "submitted 0 assignments" in house.manage("simulate_people", "crew", *work), "nothing is left"

    house.manage("collect", "crew", "--approve")
    house.manage("label", "crew")
    report = json.loads(house.manage("report", "crew", "--format", "json"))
    assert [len(unit["answers"]) for unit in report["units"]] == [2, 2]
    assert "simulated" in house.manage("report", "crew", "--format", "text").lower()

    # The same crops under another campaign: who knows them returns the HIT, and others do it.
    launch(house, dissection, "crew again")
    assert "submitted 4 assignments" in house.manage("simulate_people", "crew again", *work)


def test_people_leave_pictures_alone_that_are_not_of_their_set(
    house: House, dissection: dict[str, Any], tmp_path: Path
) -> None:
    house.manage("render_concepts", str(tmp_path / "other"), "--n", "24", "--seed", "99")
    launch(house, dissection, "strangers")
    said = house.manage("simulate_people", "strangers", "--images", str(tmp_path / "other"), "--workers", "3")
    assert "submitted 0 assignments" in said
    assert "Left alone: 2 HITs" in said
