"""The JSON API: what the dashboard shows, to those who hold a key, by named filters only."""

import contextlib
import io
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client, RequestFactory
from django.utils import timezone
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from ninja.errors import HttpError

from annotator.accounts.models import Role, Scope
from annotator.accounts.tokens import issue_token
from annotator.dashboard.api import limits
from annotator.dashboard.api.routes import Token, api
from annotator.labels.models import UnitLabel
from tests.annotator.dashboard.making import World, make_person, make_world

# Of the 2,000 that `make drill` sends.
N_CASES = int(os.environ.get("UNITSCOPE_API_CASES") or 200)


@pytest.fixture(autouse=True)
def no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generated requests come by the hundred."""
    monkeypatch.setattr(limits, "MAX_PER_MINUTE", 10**9)


@pytest.fixture
def token(db: None) -> str:
    person = make_person(Role.VIEWER, "notebook")
    return issue_token(user=person, name="test", actor=person, now=timezone.now())


@pytest.fixture
def ask(token: str) -> Any:
    client = Client(headers={"Authorization": f"Bearer {token}"})

    def get(address: str, status: int = 200) -> Any:
        response = client.get(f"/api/{address}")
        assert response.status_code == status, (address, response.status_code)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        return json.loads(body)

    return get


READING = [
    "networks",
    "image-sets",
    "dissections",
    "campaigns",
    "campaigns/try",
    "campaigns/try/units",
    "campaigns/try/answers",
    "campaigns/try/report",
    "units/net/features.3/1",
    "decisions",
]


def test_without_a_key_nothing_is_told(world: World) -> None:
    for address in READING:
        assert Client().get(f"/api/{address}").status_code == 401, address
        wrong = Client(headers={"Authorization": "Bearer unitscope_wrong"})
        assert wrong.get(f"/api/{address}").status_code == 401, address


def test_a_session_is_a_key_too_when_it_has_a_role(world: World, viewer: Client) -> None:
    assert viewer.get("/api/campaigns").status_code == 200
    person = make_person(Role.VIEWER, "former")
    person.membership.delete()  # type: ignore[attr-defined]
    client = Client()
    client.force_login(person)
    assert client.get("/api/campaigns").status_code == 401


def test_everything_the_dashboard_shows_can_be_read(world: World, ask: Any) -> None:
    for address in READING:
        assert ask(address), address
    assert ask(f"dissections/{world.dissection.pk}")["network"] == "net"
    assert ask(f"dissections/{world.dissection.pk}/progress")["stage"] == "done"
    assert len(ask(f"dissections/{world.dissection.pk}/units")) == 6


def test_pandas_reads_a_campaigns_units_as_a_table(world: World, ask: Any) -> None:
    import pandas

    table = pandas.read_json(io.StringIO(json.dumps(ask("campaigns/try/units"))))
    assert len(table) == 5
    assert table.set_index("index").loc[3, "concept"] == "brick wall"
    assert table["precision"].mean() == pytest.approx(sum(0.6 + 0.08 * i for i in range(5)) / 5)
    assert list(table["relation"]) == ["equal", "synonym", "different", "hypernym", "equal"]


def test_the_notebook_of_the_documentation_runs_as_it_stands(
    live_server: Any, transactional_db: None, tmp_path: Path, token: str
) -> None:
    make_world(tmp_path, campaign="demo")
    text = (Path(django_settings.BASE_DIR) / "docs" / "researchers.md").read_text()
    (program,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    program = program.replace("http://localhost:8000", live_server.url).replace("unitscope_...", token)
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102  it is our own page
    assert list(names["units"]["index"]) == [0, 1, 2, 3, 4]
    assert names["units"]["precision"].max() == pytest.approx(0.92)


def test_answers_name_people_by_pseudonym_and_say_who_is_simulated(world: World, ask: Any) -> None:
    answers = ask("campaigns/try/answers")
    assert len(answers) == 15
    assert {(answer["worker"], answer["is_simulated"]) for answer in answers} == {
        ("net-person-0", False),
        ("net-person-1", True),
        ("net-person-2", True),
    }
    assert "ASIMULATED" not in json.dumps(answers)


FILTERS = {
    "": [0, 1, 2, 3, 4],
    "layer=features.3": [0, 1, 2, 3, 4],
    "layer=none": [],
    "concept=wheel": [0, 4],
    "category=scene": [1],
    "relation=equal": [0, 4],
    "precision_min=0.8": [3, 4],
    "iou_min=0.05": [2, 3, 4],
}
NO_FILTERS = ["unit__layer__network__name=net", "precision_min=2", "concept=%00", "id=1", "pk__in=1"]


def test_the_filters(world: World, ask: Any) -> None:
    found = {query: [unit["index"] for unit in ask(f"campaigns/try/units?{query}")] for query in FILTERS}
    assert found == FILTERS


def test_what_is_no_filter_is_refused_in_words(world: World, ask: Any) -> None:
    for query in NO_FILTERS:
        assert ask(f"campaigns/try/units?{query}", status=422)["detail"]


def test_what_is_not_there_is_not_found(world: World, ask: Any) -> None:
    for address in ("campaigns/none", "campaigns/none/units", "units/net/features.3/99", "units/net/none/1"):
        assert ask(address, status=404)["detail"]


def test_an_unlabeled_campaign_is_an_empty_table(world: World, ask: Any) -> None:
    UnitLabel.objects.all().delete()
    assert ask("campaigns/try/units") == []


def test_the_documentation_loads_nothing_from_elsewhere(world: World, viewer: Client) -> None:
    page = viewer.get("/api/docs").content.decode()
    assert "/static/ninja/" in page
    assert "https://" not in page.replace("https://django-ninja", "")


def test_generated_requests_cause_no_server_error(world: World, token: str) -> None:
    assert send_generated(token=token, n_cases=N_CASES) >= N_CASES * 0.8


def send_generated(*, token: str, n_cases: int) -> int:
    """Valid and invalid requests drawn from the OpenAPI document; how many were sent. `make drill` sends 2,000."""
    import schemathesis  # takes three seconds, in each process that collects tests

    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(api.get_openapi_schema())))
    operations = [found.ok() for found in schema.get_all_operations()]
    each = -(-n_cases // (len(operations) * len(schemathesis.GenerationMode)))
    sent: list[int] = []
    for operation in operations:
        for mode in schemathesis.GenerationMode:
            for case in draw_cases(operation, mode, each):
                response = client.get(case.formatted_path, case.query or {})
                assert response.status_code < 500, (case.formatted_path, case.query)
                if response.streaming:
                    json.loads(b"".join(response.streaming_content))
                sent.append(response.status_code)
    return len(sent)


def draw_cases(operation: Any, mode: Any, n_cases: int) -> list[Any]:
    drawn: list[Any] = []

    @seed(20260504)
    @settings(max_examples=n_cases, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(mode))
    def draw(case: Any) -> None:
        drawn.append(case)

    with contextlib.suppress(Unsatisfiable):  # an operation without parameters has no invalid request
        draw()
    return drawn


def test_a_token_to_read_cannot_act_and_one_to_act_can(db: None) -> None:
    person = make_person(Role.VIEWER)
    reading = RequestFactory().post("/api/x")
    for scope, refused in ((Scope.READ, True), (Scope.ACT, False)):
        text = issue_token(user=person, name="test", actor=person, now=timezone.now(), scope=scope)
        with pytest.raises(HttpError, match="may only read") if refused else contextlib.nullcontext():
            assert Token().authenticate(reading, text) == person


def test_a_token_has_its_number_of_requests_per_minute(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: Counter[str] = Counter()

    def count_up(name: str, *, seconds: int) -> int:
        limited = name.rpartition(":")[0]  # without the minute, which may end meanwhile
        counted[limited] += 1
        return counted[limited]

    monkeypatch.setattr(limits, "MAX_PER_MINUTE", 3)
    monkeypatch.setattr(limits, "count_up", count_up)
    answers = [Client().get("/api/networks", headers={"Authorization": f"Bearer {token}"}) for _ in range(9)]
    assert answers[2].status_code == 200
    assert answers[-1].status_code == 429
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
    assert "Wait" in answers[-1].json()["detail"]
