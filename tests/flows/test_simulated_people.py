"""Simulated people do a campaign over HTTP, go on after an interruption, and are called simulated."""

import json
from pathlib import Path
from typing import Any

from tests.flows.conftest import House


def launch(house: House, dissection: dict[str, Any], campaign: str) -> None:
    # A reward of its own makes a HIT type of its own: these people leave the HITs of other stories alone.
    house.manage("launch", campaign, "--dissection", dissection["id"], "--top-iou", "2", "--random", "0", "--seed", "5",
                 "--assignments", "2", "--reward", "0.61", "--yes")  # fmt: skip


def test_people_answer_every_hit_in_two_goes_and_nobody_meets_the_same_crops_twice(
    house: House, dissection: dict[str, Any], dissection_images: Path, tmp_path: Path
) -> None:
    launch(house, dissection, "crew")
    house.manage("render_concepts", str(tmp_path / "other"), "--n", "12", "--seed", "99")
    strangers = house.manage("simulate_people", "crew", "--images", str(tmp_path / "other"), "--workers", "1")
    assert "submitted 0 assignments" in strangers
    assert "Skipped: 2 HITs" in strangers, "the pictures are not of their set"

    work = ("--images", str(dissection_images), "--workers", "5")
    assert "submitted 2 assignments" in house.manage("simulate_people", "crew", *work, "--stop-after", "1")
    assert "submitted 2 assignments" in house.manage("simulate_people", "crew", *work)
    house.manage("collect", "crew", "--approve")
    house.manage("label", "crew")
    text = house.manage("report", "crew", "--format", "json")
    assert [len(unit["answers"]) for unit in json.loads(text)["units"]] == [2, 2]
    assert "simulated" in text

    # The same crops under another campaign: who knows them returns the HIT, and others do it.
    launch(house, dissection, "crew again")
    assert "submitted 4 assignments" in house.manage("simulate_people", "crew again", *work)

    # A yes or no about the same crops, by people who have not seen them.
    house.manage("launch", "yes-no", "--dissection", dissection["id"], "--top-iou", "2", "--random", "0", "--seed", "5",
                 "--assignments", "2", "--reward", "0.62", "--template", "verify_label", "--yes")  # fmt: skip
    work = ("--images", str(dissection_images), "--workers", "12")
    assert "submitted 4 assignments" in house.manage("simulate_people", "yes-no", *work)
    house.manage("collect", "yes-no", "--approve")
    verdicts = house.manage("verdicts", "yes-no")
    assert verdicts.count("of 2 yes") == 2
    assert "simulated people are among these" in verdicts
