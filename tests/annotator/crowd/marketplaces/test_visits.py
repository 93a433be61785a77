"""The proof by which our marketplace confirms whose visit it is."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from annotator.crowd.marketplaces.marketplace import Published
from annotator.crowd.marketplaces.mturk.visits import sign_visit
from annotator.crowd.models import HIT, Assignment, Campaign
from annotator.sandbox.models import Assignment as SandboxAssignment
from annotator.sandbox.worker import hits
from tests.annotator.crowd.fixtures import Visitor, read_config

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("name", ["assignmentId", "workerId", "hitId", "visitProof"])
def test_a_proof_is_bound_to_every_id_and_to_its_time(market: Any, campaign: Campaign, hit: HIT, name: str) -> None:
    market.publish(campaign)
    person = market.accept(hit, "ada")
    query = person.query()
    marketplace, now = market.marketplace, market.clock()
    here = Published(hit_id=hit.external_id)
    assert marketplace.read_visit(query, cookies={}, expected=here, now=now).is_confirmed
    assert not marketplace.read_visit(query, cookies={}, expected=here, now=now + timedelta(days=1)).is_confirmed
    changed = query | {name: query[name][:-1] + ("1" if query[name][-1] != "1" else "2")}
    there = Published(hit_id=changed["hitId"])
    assert not marketplace.read_visit(changed, cookies={}, expected=there, now=now).is_confirmed
    longer = query["visitProof"].split(".")
    forged = query | {"visitProof": f"{int(longer[0]) + 9}.{longer[1]}"}
    assert not marketplace.read_visit(forged, cookies={}, expected=here, now=now).is_confirmed


def test_the_sandbox_signs_as_the_page_reads(market: Any, campaign: Campaign, hit: HIT) -> None:
    market.publish(campaign)
    person = market.accept(hit, "ada")
    there = SandboxAssignment.objects.get()
    proof = hits.sign_visit(there.hit, there)
    expires = int(proof.split(".")[0])
    ids = {"assignment_id": person.assignment_id, "worker_id": person.worker_id, "hit_id": hit.external_id}
    assert proof == sign_visit(secret=market.account.secret_access_key, expires=expires, **ids)
    assert expires > time.time()


def test_no_secret_no_proof_and_no_other_account_confirms(visit: Callable[..., Visitor], settings: Any) -> None:
    person = visit()
    proof = person.sign()
    for keys in (("", ""), ("A key", "the secret of another account")):
        settings.MARKETPLACE_CREDENTIALS = {**settings.MARKETPLACE_CREDENTIALS, "own": keys}
        config = read_config(person.open(visitProof=proof))
        person.post("start", {"token": config["token"], "consent": True, "secret": person.secret})
        assert set(Assignment.objects.values_list("state", flat=True)) == {"claimed"}
