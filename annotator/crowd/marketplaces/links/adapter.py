"""The adapter of `links`: no marketplace at all. People come by single-use links, and the requester pays by themself.

Our own tables (`crowd/linked.py`) are the other side. Each act is one transaction, and doing it twice is doing it once.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_noop

from annotator.crowd.linked import SIMULATED, LinkedHIT, LinkedWork
from annotator.crowd.marketplaces.facts import Facts, FeeSchedule, Verb
from annotator.crowd.marketplaces.links.addresses import (
    NO_COOKIE,
    OTHER_BROWSER,
    PLACE,
    WITHDRAWN,
    hash_browser,
    read_place,
    sign_place,
)
from annotator.crowd.marketplaces.marketplace import (
    JSON,
    Act,
    Approve,
    Extend,
    FormPost,
    Overturn,
    PayBonus,
    Prolong,
    Publish,
    Published,
    Register,
    Reject,
    SentAct,
    Stop,
    Submission,
    Terms,
    Visit,
)
from annotator.crowd.marketplaces.outcomes import CannotDo, Done, MarketplaceRefused, NotDone, Outcome, VisitRefused

State = LinkedWork.State
NOT_STARTED = gettext_noop(
    "This address does not name your place: please open your own link again and press Continue there."
)


def open_links(name: str) -> "Links":
    return Links()


class Links:
    @property
    def facts(self) -> Facts:
        origin = settings.HIT_PAGES_URL
        return Facts(
            name="links",
            title="single-use links · you pay people yourself",
            label="Links",
            tone="warn",
            is_real_money=False,
            fees=FeeSchedule(share=Decimal(0), large_hit_share=Decimal(0), min_usd=Decimal(0)),
            worker_url="the links that `manage.py links make CAMPAIGN --people N` prints, one per person.",
            verbs=frozenset(Verb) - {Verb.QUALIFY},
            checks=frozenset(),
            token_life=timedelta(0),
            overturn_within=timedelta(days=365),
            submit_origins=(origin,),
            frame_ancestors=("'none'",),
        )

    @property
    def account(self) -> None:
        """People are written to by whoever gave them their links."""

    def check_credentials(self) -> None:
        """There are none."""

    def check_terms(self, terms: Terms) -> None:
        """Any are good: a class may work for nothing."""

    def translate(self, act: Act, *, key: str) -> JSON:
        match act:
            case Register():
                return {"key": key}
            case Publish():
                return {"key": key, "n_places": act.n_assignments, "lifetime_seconds": act.lifetime_seconds}
            case Extend():
                return {"hit_id": act.hit_id, "n_places": act.target}
            case Stop():
                return {"hit_id": act.hit_id}
            case Prolong():
                return {"hit_id": act.hit_id, "ends_at": act.until.isoformat()}
            case Approve():
                return {"assignment_id": act.assignment_id}
            case Reject() | Overturn():
                return {"assignment_id": act.assignment_id, "feedback": act.feedback}
            case PayBonus():
                return {"assignment_id": act.assignment_id, "amount_usd": str(act.amount_usd)}
            case _:
                raise CannotDo(f"The marketplace links has no act {act.verb}.")

    def send(self, verb: Verb, request: JSON, *, worker_id: str | None) -> Done:
        with transaction.atomic():
            return _SENDS[verb](request)

    def find_outcome(self, act: SentAct, *, token_lives: bool, refusal: MarketplaceRefused | None = None) -> Outcome:
        """Each act is safe to repeat, so what became of it is never asked."""
        return NotDone()

    def list_submissions(self, published: Published) -> Iterator[Submission]:
        rows = LinkedWork.objects.filter(hit__external_id=published.hit_id).exclude(state=State.ACCEPTED)
        for row in rows.select_related("link").order_by("id"):
            yield Submission(
                assignment_id=row.external_id,
                worker_id=row.link.worker_id if row.link else f"ERASED-{row.pk}",
                state=row.state,
                submitted_at=row.submitted_at,
                auto_approval_at=None,
                fields=row.fields,
                raw="",
                accepted_at=row.accepted_at,
            )

    def count_at_work(self, published: Published) -> int:
        held = LinkedWork.objects.filter(hit__external_id=published.hit_id, state=State.ACCEPTED)
        return held.filter(deadline__gt=timezone.now()).count()

    def was_returned(self, assignment_id: str) -> bool:
        return False

    def is_held(self, assignment_id: str) -> bool:
        """What was submitted is collected and paid."""
        row = LinkedWork.objects.select_related("hit").filter(external_id=assignment_id).first()
        return row is not None and (row.state != State.ACCEPTED or row.is_held(now=timezone.now()))

    def read_visit(
        self, query: Mapping[str, str], *, cookies: Mapping[str, str], expected: Published, now: datetime
    ) -> Visit:
        """Who holds the signed place, in the browser that holds the person's link."""
        if PLACE not in query:
            if expected.is_stopped:
                raise VisitRefused("This HIT was withdrawn and cannot be accepted any more.", status=410)
            return Visit(is_preview=True)
        place = LinkedWork.objects.filter(external_id=read_place(query[PLACE]) or "").select_related("link", "hit")
        row = place.first()
        if row is None or row.link is None or row.hit.external_id != expected.hit_id:
            raise VisitRefused(NOT_STARTED, status=404)
        if row.link.revoked_at is not None:
            raise VisitRefused(WITHDRAWN, status=410)
        if not row.link.browser_sha256:  # it was opened again, and not started yet
            raise VisitRefused(NOT_STARTED, status=403)
        if row.link.browser_sha256 != (browser_sha256 := hash_browser(cookies)):
            raise VisitRefused(OTHER_BROWSER if browser_sha256 else NO_COOKIE, status=403)
        if row.state == State.ACCEPTED and row.deadline <= now:
            raise VisitRefused(
                "The time for this one is over. Please open your own link again and press Continue there.", status=410
            )
        return Visit(
            is_preview=False,
            assignment_id=row.external_id,
            worker_id=row.link.worker_id,
            submit_origin=settings.HIT_PAGES_URL,
            is_confirmed=True,
        )

    def hand_back(self, visit: Visit, fields: Mapping[str, str], *, receipt: str) -> FormPost:
        token = sign_place(visit.assignment_id)
        return FormPost(url=f"{visit.submit_origin}/hit/place/{token}/done", fields={**fields, "receipt": receipt})

    def is_simulated(self, worker_id: str) -> bool:
        return worker_id.startswith(SIMULATED)

    def subscribe(self, hit_type_id: str) -> None:
        """Submissions wake the collecting by themselves."""

    def read_event(self, document: Any) -> set[str]:
        return set()


def _publish(request: JSON) -> Done:
    external_id = f"links-{request['key'][:40]}"
    ends_at = timezone.now() + timedelta(seconds=request["lifetime_seconds"])
    LinkedHIT.objects.get_or_create(
        external_id=external_id, defaults={"n_places": request["n_places"], "ends_at": ends_at}
    )
    return Done(external_id=external_id)


def _change(request: JSON, **values: Any) -> Done:
    if not LinkedHIT.objects.filter(external_id=request["hit_id"]).update(**values):
        raise MarketplaceRefused(f"There is no HIT {request['hit_id']} here.", code="NoSuchHIT")
    return Done()


def _settle(request: JSON, *, state: State, before: set[State], **values: Any) -> Done:
    rows = LinkedWork.objects.filter(external_id=request["assignment_id"], state__in={state, *before})
    if not rows.update(state=state, **values):
        raise MarketplaceRefused(f"The work {request['assignment_id']} cannot be {state} now.", code="WrongState")
    return Done()


def _pay_bonus(request: JSON) -> Done:
    """For work that was reviewed, or for a place that is over. Nobody submits while this decides."""
    external_id = request["assignment_id"]
    list(LinkedHIT.objects.select_for_update(of=("self",)).filter(work__external_id=external_id))
    row = LinkedWork.objects.select_related("hit").filter(external_id=external_id).first()
    if row is None or row.state == State.SUBMITTED or row.is_held(now=timezone.now()):
        raise MarketplaceRefused(f"The work {external_id} is still to be submitted or reviewed.", code="WrongState")
    row.bonus_usd = Decimal(request["amount_usd"])
    row.save(update_fields=["bonus_usd"])
    return Done()


_SENDS: dict[Verb, Callable[[JSON], Done]] = {
    Verb.REGISTER: lambda request: Done(external_id=f"links-{request['key'][:40]}"),
    Verb.PUBLISH: _publish,
    Verb.EXTEND: lambda request: _change(request, n_places=Greatest("n_places", request["n_places"])),
    Verb.STOP: lambda request: _change(request, is_stopped=True),
    Verb.PROLONG: lambda request: _change(
        request, is_stopped=False, ends_at=datetime.fromisoformat(request["ends_at"])
    ),
    Verb.APPROVE: lambda request: _settle(request, state=State.APPROVED, before={State.SUBMITTED}),
    Verb.REJECT: lambda request: _settle(
        request, state=State.REJECTED, before={State.SUBMITTED}, feedback=request["feedback"][:1000]
    ),
    Verb.OVERTURN: lambda request: _settle(
        request, state=State.APPROVED, before={State.REJECTED}, feedback=request["feedback"][:1000]
    ),
    Verb.PAY_BONUS: _pay_bonus,
}
