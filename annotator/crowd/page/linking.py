"""What a person does with their single-use link: start it, take one HIT after another, submit, and finish."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Count, F, Q

from annotator.crowd.eligibility import find_bar
from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.linked import Link, LinkedHIT, LinkedWork
from annotator.crowd.marketplaces.links.addresses import NO_COOKIE, OTHER_BROWSER, PLACE, WITHDRAWN, sign_place
from annotator.crowd.marketplaces.notifications import wake_campaigns
from annotator.crowd.models import GOING, HIT, Assignment, Campaign
from annotator.crowd.pseudonyms import find_worker
from annotator.refusals import Refusal

State = LinkedWork.State
_ENDED = (Campaign.State.COMPLETE, Campaign.State.CLOSED)
_IS_DONE = ~Q(work__state=State.ACCEPTED)


class LinkRefused(Refusal):
    """The link cannot be used like this; the message says what to do."""


@dataclass(frozen=True)
class Standing:
    """How far the person of a link has come. `code` is empty before they have finished.

    `is_over`: no HIT will come for them any more. Without `has_more` and `is_over` nothing is free at the moment.
    """

    n_done: int
    has_place: bool
    has_more: bool
    is_over: bool
    code: str


def start_link(link: Link, *, browser_sha256: str, now: datetime) -> None:
    """The first browser that starts the link keeps it. Raises LinkRefused for every other."""
    free = Link.objects.filter(pk=link.pk, browser_sha256="", revoked_at=None)
    free.update(browser_sha256=browser_sha256, started_at=now)
    link.refresh_from_db()
    check_browser(link, browser_sha256=browser_sha256)


def check_browser(link: Link, *, browser_sha256: str, no_cookie: str = OTHER_BROWSER) -> None:
    """Raises LinkRefused if the link was withdrawn, or was started in another browser; `no_cookie` is said to one that
    sends none.
    """
    if link.revoked_at is not None:
        raise LinkRefused(WITHDRAWN)
    if link.browser_sha256 and link.browser_sha256 != browser_sha256:
        raise LinkRefused(OTHER_BROWSER if browser_sha256 else no_cookie)


def find_standing(link: Link, *, now: datetime) -> Standing:
    """Looking changes nothing."""
    has_place = _find_held(link, now=now) is not None
    return Standing(
        n_done=link.work.exclude(state=State.ACCEPTED).count(),
        has_place=has_place,
        has_more=link.finished_at is None and (has_place or _find_next(link, now=now) is not None),
        is_over=_is_over(link, now=now),
        code=link.code if link.finished_at else "",
    )


def take_place(link: Link, *, now: datetime) -> str:
    """The path of the HIT page at which the person works now. Raises LinkRefused if nothing is left for them."""
    while (hit := _find_next(link, now=now)) is not None:
        if work := _take(link, hit, now=now):
            return f"/hit/{hit.public_id}/?{urlencode({PLACE: sign_place(work.external_id)})}"
    raise LinkRefused("Nothing is left to do here for you.")


def submit_place(external_id: str, *, fields: dict[str, str], browser_sha256: str, now: datetime) -> LinkedWork:
    """What the HIT page handed back. Submitting again changes nothing. Raises LinkRefused."""
    with transaction.atomic():
        work = LinkedWork.objects.select_related("hit", "link__campaign").filter(external_id=external_id).first()
        if work is None or work.link is None:
            raise LinkRefused("There is no such work: please open your own link again.")
        # What was stored before the link was withdrawn, or went to another browser, is owed.
        stored = Assignment.objects.filter(external_id=external_id, state=Assignment.State.STORED)
        if work.state == State.ACCEPTED and not stored.exists():
            check_browser(work.link, browser_sha256=browser_sha256, no_cookie=NO_COOKIE)
            if not work.link.browser_sha256:  # opened again, and not started yet
                raise LinkRefused("There is no such work: please open your own link again.")
        hit = LinkedHIT.objects.select_for_update().get(pk=work.hit_id)
        work.refresh_from_db(fields=["state", "deadline", "bonus_usd"])
        if work.state == State.ACCEPTED:
            # Of a HIT that was withdrawn only those in time are waited for: later nobody collects it any more.
            is_late = work.deadline <= now and (hit.is_stopped or hit.count_free(now=now) < 1)
            # A bonus on work that was not submitted is its pay.
            if work.bonus_usd or is_late:
                raise LinkRefused("The time for this one is over, and no more answers are taken. Please go on.")
            changes = {"state": State.SUBMITTED, "submitted_at": now, "fields": fields}
            LinkedWork.objects.filter(pk=work.pk).update(**changes)
    if _is_over(work.link, now=now):
        finish_link(work.link, now=now)
    wake_campaigns(hit_ids={work.hit.external_id}, marketplace="links")
    return work


def finish_link(link: Link, *, now: datetime) -> None:
    """The person stops here. Raises LinkRefused if they have done nothing yet."""
    if not link.work.exclude(state=State.ACCEPTED).exists():
        raise LinkRefused("There is no code before you have done at least one.")
    Link.objects.filter(pk=link.pk, finished_at=None).update(finished_at=now)
    link.refresh_from_db()


def _find_held(link: Link, *, now: datetime) -> LinkedWork | None:
    return link.work.filter(state=State.ACCEPTED, deadline__gt=now).order_by("id").first()


def _find_next(link: Link, *, now: datetime) -> HIT | None:
    """The HIT whose place the person holds, else the one with the fewest answers that they may take."""
    hits = link.campaign.hits.select_related("campaign", "hit_type")
    if held := _find_held(link, now=now):
        return hits.filter(external_id=held.hit.external_id).first()
    if link.finished_at is not None or link.campaign.is_paused or link.campaign.state not in GOING:
        return None
    return _find_open(link, taken=_IS_DONE | Q(work__deadline__gt=now), now=now)


def _is_over(link: Link, *, now: datetime) -> bool:
    """True if nothing comes any more: a pause ends, and a place that somebody holds may be free again."""
    if link.finished_at is not None or link.campaign.state in _ENDED:
        return True
    if _find_held(link, now=now) or link.campaign.hits.filter(state=HIT.State.COMPOSED).exists():
        return False
    return _find_open(link, taken=_IS_DONE, now=now) is None


def _find_open(link: Link, *, taken: Q, now: datetime) -> HIT | None:
    """The HIT with the fewest places `taken` that has one left and that this person may do."""
    hits = link.campaign.hits.select_related("campaign", "hit_type")
    offered = LinkedHIT.objects.filter(is_stopped=False, ends_at__gt=now).annotate(n_taken=Count("work", filter=taken))
    free = offered.filter(n_taken__lt=F("n_places")).exclude(
        pk__in=link.work.exclude(state=State.ACCEPTED).values("hit")
    )
    order = {external_id: place for place, external_id in enumerate(
        free.filter(external_id__in=hits.values("external_id")).order_by("n_taken", "id").values_list(
            "external_id", flat=True
        )
    )}  # fmt: skip
    worker = find_worker(marketplace="links", worker_id=link.worker_id)
    earlier = Assignment.objects.filter(worker=worker) if worker else Assignment.objects.none()
    candidates = hits.filter(external_id__in=order, state=HIT.State.PUBLISHED)
    in_order = sorted(candidates, key=lambda hit: order[hit.external_id])
    return next((hit for hit in in_order if find_bar(hit=hit, earlier=earlier) is None), None)


def _take(link: Link, hit: HIT, *, now: datetime) -> LinkedWork | None:
    """A place of the HIT for this person; None if the last one was taken at this moment."""
    deadline = now + timedelta(seconds=load_template(hit.hit_type.template).assignment_seconds)
    with transaction.atomic():
        offered = LinkedHIT.objects.select_for_update().get(external_id=hit.external_id)
        held = LinkedWork.objects.filter(link=link, hit=offered).first()
        if held is not None and held.deadline > now:
            return held
        if offered.is_stopped or offered.count_free(now=now) < 1:
            return None
        if held is not None:  # their time ran out and the place is still free: they go on with the same work
            LinkedWork.objects.filter(pk=held.pk).update(deadline=deadline)
            return held
        external_id = f"LW{secrets.token_hex(14).upper()}"
        return LinkedWork.objects.create(
            link=link, hit=offered, external_id=external_id, accepted_at=now, deadline=deadline
        )
