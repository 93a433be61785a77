"""What a HIT page shows besides the content of its images: of planted negatives, and of the methods of a study."""

from collections.abc import Callable

from tools.drills._tests import run_test

N_ASSIGNMENTS = 2000
N_STUDY_ASSIGNMENTS = 500


def measure_leaks() -> str:
    found = _find_area(run_test("tests/flows/test_leaks.py", UNITSCOPE_LEAK_ASSIGNMENTS=N_ASSIGNMENTS))
    return f"{N_ASSIGNMENTS} assignments, planted negatives against top crops: {found}."


def measure_study_leaks() -> str:
    """A classifier over page source, requests, pictures, order and timing looks for the method that spoke."""
    lines = run_test("tests/annotator/studies/test_leaks.py", UNITSCOPE_LEAK_ASSIGNMENTS=N_STUDY_ASSIGNMENTS)
    return f"{N_STUDY_ASSIGNMENTS} assignments of a study, one method against the other: {_find_area(lines)}."


def _find_area(lines: list[str]) -> str:
    return next(line for line in lines if "under the curve" in line).lstrip(".")


DRILLS: dict[str, Callable[[], str]] = {
    "planted-negatives-leak": measure_leaks,
    "study-leak": measure_study_leaks,
}
