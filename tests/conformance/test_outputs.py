"""Members that do not match the published shape are found, with their position."""

import pytest

from annotator.sandbox.api import shapes
from tests.conformance.outputs import find_problems

GOOD = {"NumResults": 1, "HITs": [{"HITId": "3ABC", "HITStatus": "Assignable", "Reward": "0.50", "CreationTime": 1.5}]}


@pytest.mark.parametrize(
    ("hit", "problem"),
    [
        ({}, ""),
        ({"HITId": "3abc"}, "HITs[0].HITId"),
        ({"HITStatus": "Open"}, "HITs[0].HITStatus"),
        ({"Reward": 0.5}, "HITs[0].Reward is no string"),
        ({"Reward": "0.505"}, "HITs[0].Reward"),
        ({"CreationTime": "today"}, "no timestamp"),
        ({"MaxAssignments": True}, "no integer"),
        ({"Colour": "blue"}, "unknown member Colour"),
        ({"QualificationRequirements": [{"Comparator": "Exists"}]}, "has no QualificationTypeId"),
    ],
)
def test_problems_are_found_with_their_place(hit: dict[str, object], problem: str) -> None:
    shape = shapes.service().operation_model("ListHITs").output_shape
    found = list(find_problems(shape, {**GOOD, "HITs": [{**GOOD["HITs"][0], **hit}]}, at="ListHITs"))  # type: ignore[index, dict-item]
    assert len(found) == bool(problem)
    assert problem in "".join(found)
