"""Simulated people do a campaign over HTTP, go on after an interruption, and are called simulated."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.flows.conftest import House

pytestmark = pytest.mark.xdist_group("flows")


def read_answers(house: House, campaign: str) -> list[Any]:
    house.manage("collect", campaign, "--approve")
    house.manage("label", campaign)
    report = json.loads(house.manage("report", campaign, "--format", "json"))
    return [
        (
            unit["layer"],
            unit["index"],
            sorted((a["description"], a["category"], a["precision"]) for a in unit["answers"]),
        )
        for unit in report["units"]
    ]


def launch(house: House, dissection: dict[str, Any], campaign: str) -> None:
    house.manage("launch", campaign, "--dissection", dissection["id"], "--top-iou", "2", "--random", "1", "--seed", "5",
                 "--assignments", "2", "--yes")  # fmt: skip


def test_people_answer_every_hit_once_and_alike_in_another_order(
    house: House, dissection: dict[str, Any], dissection_images: Path
) -> None:
    launch(house, dissection, "crew")
    work = ("--images", str(dissection_images), "--workers", "5")
    said = house.manage("simulate_people", "crew", *work, "--at-once", "1")
    assert "5 simulated people submitted 6 assignments" in said
    answers = read_answers(house, "crew")
    assert [len(of_unit) for _, _, of_unit in answers] == [2, 2, 2]

    # Nothing is left: running again does nothing.
    assert "submitted 0 assignments" in house.manage("simulate_people", "crew", *work)

    # Another campaign over the same units and seed, done in two goes and several HITs at once: the same answers.
    launch(house, dissection, "crew again")
    assert "submitted 2 assignments" in house.manage("simulate_people", "crew again", *work, "--stop-after", "1")
    assert "submitted 4 assignments" in house.manage("simulate_people", "crew again", *work, "--at-once", "3")
    assert read_answers(house, "crew again") == answers
    assert "simulated" in house.manage("report", "crew", "--format", "text").lower()


def test_people_leave_pictures_alone_that_are_not_of_their_set(
    house: House, dissection: dict[str, Any], tmp_path: Path
) -> None:
    house.manage("render_concepts", str(tmp_path / "other"), "--n", "60", "--seed", "99")
    launch(house, dissection, "strangers")
    said = house.manage("simulate_people", "strangers", "--images", str(tmp_path / "other"), "--workers", "3")
    assert "submitted 0 assignments" in said
    assert "Left alone: 3 HITs" in said
