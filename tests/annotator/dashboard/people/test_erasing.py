"""A worker is erased for good: only if the person who does it confirms it."""

import pytest

from annotator.accounts.models import Role
from annotator.crowd.models import Worker
from tests.annotator.dashboard.making import World, sign_in


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_worker_is_erased_once_it_is_confirmed(world: World, confirmed: bool) -> None:
    worker = Worker.objects.earliest("pk")
    form = {"marketplace": "own", "worker_id": worker.external_id} | ({"yes": "on"} if confirmed else {})
    answer = sign_in(Role.ADMIN).post("/people/erase/", form)
    assert answer.status_code == (302 if confirmed else 422)
    assert confirmed or "Confirm it" in answer.content.decode()
    assert Worker.objects.filter(external_id=worker.external_id).exists() is not confirmed
