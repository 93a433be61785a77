"""The dashboard's generated tests with large numbers: 2,000 API requests and 10,000 look-ups."""

from tools.drills._tests import run_test


def request_everything() -> str:
    run_test("tests/annotator/dashboard/api/test_routes.py", named="generated_requests", UNITSCOPE_API_CASES=2000)
    return "2,000 generated API requests, no server error."


def refuse_look_ups() -> str:
    run_test("tests/annotator/dashboard/units/test_selection.py", named="generated_look_ups", UNITSCOPE_LOOK_UPS=10_000)
    return "10,000 generated look-ups at the gallery and the API, each refused in words; nothing but SELECT was run."


DRILLS = {"dashboard-api-requests": request_everything, "dashboard-look-ups": refuse_look_ups}
