"""Starts the work of a visit: as the person's own if the marketplace has confirmed them, else as a claim.

A claimed visit may work and submit. It sees what was begun in the same browser alone: no draft, no consent and no
participation of the person whom its address names. The browser is known by a secret that its script keeps.
"""

import contextlib
import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from annotator.crowd.assignments import find_orders, show_units
from annotator.crowd.eligibility import find_bar, leave_out_if_barred, lock_person
from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.marketplaces.marketplace import Visit
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import HIT, OPEN, Assignment, Worker
from annotator.crowd.page.consent import Consent, has_agreed, write_consent
from annotator.crowd.pseudonyms import find_worker, keep_worker, make_pseudonym
from annotator.refusals import Refusal

State = Assignment.State
_SECRET = re.compile(r"[A-Za-z0-9_-]{16,64}")
# Longer than any HIT type's time: nobody goes on with a claimed visit after it.
CLAIM_LIFE = timedelta(days=2)
# What a claim becomes when the marketplace confirms it.
CONFIRMED = {State.CLAIMED: State.STARTED, State.KEPT: State.STORED}


class CannotStart(Refusal):
    """This person may not work on this HIT; the message says why, and that it costs them nothing."""


@dataclass(frozen=True)
class Visitor:
    """Who visits a HIT's page. `visit_key`: of this browser and the person that the address names."""

    hit: HIT
    visit: Visit
    pseudonym: str
    visit_key: str

    def list_known(self) -> QuerySet[Assignment]:
        """The assignments that this visit may learn of."""
        if self.visit.is_confirmed:
            worker = find_worker(marketplace=self.hit.campaign.marketplace, worker_id=self.visit.worker_id)
            return Assignment.objects.filter(worker=worker) if worker else Assignment.objects.none()
        return Assignment.objects.filter(visit_key=self.visit_key)


def describe_visitor(*, hit: HIT, visit: Visit, secret: str = "") -> Visitor:
    """`secret`: what the browser's script keeps. Without one the visit is like no other."""
    pseudonym = make_pseudonym(marketplace=hit.campaign.marketplace, worker_id=visit.worker_id)
    kept = secret if _SECRET.fullmatch(secret) else secrets.token_hex(16)
    visit_key = hashlib.sha256(f"{kept}\x1f{pseudonym}".encode()).hexdigest()
    return Visitor(hit=hit, visit=visit, pseudonym=pseudonym, visit_key=visit_key)


def check_may_start(visitor: Visitor) -> None:
    """Raises CannotStart, before anybody is asked for consent, if this HIT is not for this person."""
    known = visitor.list_known()
    if _find_own(known, visitor) is None and (bar := find_bar(hit=visitor.hit, earlier=known)):
        raise CannotStart(bar.words)


def start_assignment(
    visitor: Visitor, *, agrees: bool, admit_claim: Callable[[], None], now: datetime
) -> Assignment | Consent:
    """The visit's row, or the consent that was not given yet (in this campaign, or just now). Raises CannotStart.

    `admit_claim` is called before a row of a claimed visit is made, and may refuse it.
    """
    campaign = visitor.hit.campaign
    if visitor.visit.is_confirmed:
        _adopt_claim(visitor, now=now)
    known = visitor.list_known()
    own = _find_own(known, visitor)
    if own is not None:
        return own
    check_may_start(visitor)
    consent = write_consent(campaign=campaign, template=load_template(visitor.hit.hit_type.template))
    if not (agrees or has_agreed(known, campaign=campaign, consent=consent)):
        return consent
    if not visitor.visit.is_confirmed:
        admit_claim()
    return _make_assignment(visitor, known=known, version=consent.version, now=now)


def _find_own(known: QuerySet[Assignment], visitor: Visitor) -> Assignment | None:
    return known.filter(external_id=visitor.visit.assignment_id, hit=visitor.hit).first()


def _make_assignment(visitor: Visitor, *, known: QuerySet[Assignment], version: str, now: datetime) -> Assignment:
    seed, orders = find_orders(hit=visitor.hit, worker_id=visitor.visit.worker_id)
    # A person who returned this HIT and took it again meets the same crops and finds their work.
    earlier = known.filter(hit=visitor.hit, state__in=OPEN).order_by("id").last()
    values = {
        "seed": seed,
        "draft": earlier.draft if earlier else {},
        "consent_version": version,
        "consented_at": now,
        "started_at": now,
    }
    external_id = visitor.visit.assignment_id
    with transaction.atomic():
        if visitor.visit.is_confirmed:
            worker = _keep_worker(visitor, now=now)
            values |= {"hit": visitor.hit}
            row, _ = Assignment.objects.get_or_create(external_id=external_id, worker=worker, defaults=values)
        else:
            values |= {"state": State.CLAIMED, "claimed_by": visitor.pseudonym}
            row, _ = Assignment.objects.get_or_create(
                hit=visitor.hit, external_id=external_id, visit_key=visitor.visit_key, defaults=values
            )
        show_units(row, orders)
    return row


def _keep_worker(visitor: Visitor, *, now: datetime) -> Worker:
    name, worker_id = visitor.hit.campaign.marketplace, visitor.visit.worker_id
    is_simulated = open_marketplace(name).is_simulated(worker_id)
    return keep_worker(marketplace=name, worker_id=worker_id, is_simulated=is_simulated, now=now)


def _adopt_claim(visitor: Visitor, *, now: datetime) -> None:
    """A confirmed visit goes on with what the same browser began before the marketplace had confirmed it.

    Claims without a key are of before visits were told apart.
    """
    claims = Assignment.objects.filter(
        hit=visitor.hit, external_id=visitor.visit.assignment_id, claimed_by=visitor.pseudonym, state__in=CONFIRMED
    )
    claim = claims.filter(visit_key__in=["", visitor.visit_key]).order_by("id").last()
    if claim is None or _find_own(visitor.list_known(), visitor) is not None:
        return
    worker, state = _keep_worker(visitor, now=now), CONFIRMED[State(claim.state)]
    with contextlib.suppress(IntegrityError), transaction.atomic():  # another request of this person was quicker
        lock_person(worker.pk)
        if claims.filter(pk=claim.pk).update(worker=worker, state=state, claimed_by="") and state == State.STORED:
            row = Assignment.objects.select_for_update(of=("self",)).select_related("hit__campaign").get(pk=claim.pk)
            leave_out_if_barred(row)
            row.save(update_fields=["is_left_out", "left_out_reason", "count_decided_by"])


def drop_stale_claims(*, now: datetime) -> int:
    """Forgets claimed visits that submitted nothing; returns how many. What was submitted is kept."""
    stale = Assignment.objects.filter(state=State.CLAIMED, started_at__lt=now - CLAIM_LIFE)
    n_stale = stale.count()
    stale.delete()
    return n_stale
