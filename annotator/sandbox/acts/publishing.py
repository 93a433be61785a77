"""What a requester does to HITs: register types, create, extend, expire, mark for review, delete."""

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from annotator.sandbox import notifying
from annotator.sandbox.acts import policing, transitions
from annotator.sandbox.models import HIT, HITLayout, HITType, Requester, UploadedFile
from annotator.sandbox.rules import fees, ids
from annotator.sandbox.rules.refusals import Code, Refused, bad_parameter
from annotator.sandbox.rules.states import HITStatus, check_hit_move
from workers.engine.plurals import say_count

MAX_LIFETIME = dt.timedelta(days=365)


@dataclass(frozen=True)
class HITTypeFields:
    title: str
    description: str
    reward_usd: Decimal
    duration_seconds: int
    auto_approval_seconds: int
    keywords: str = ""
    requirements: list[dict[str, Any]] = field(default_factory=list)

    def fingerprint(self) -> str:
        """Equal for two calls with the same fields, even if the reward is written differently."""
        said = [
            self.title, self.description, self.keywords, str(self.reward_usd.quantize(fees.CENT)),
            self.duration_seconds, self.auto_approval_seconds,
            sorted(json.dumps(requirement, sort_keys=True) for requirement in self.requirements),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


@dataclass(frozen=True)
class NewHIT:
    question: str
    lifetime: dt.timedelta
    max_assignments: int = 1
    annotation: str = ""
    hit_layout_id: str = ""
    assignment_review_policy: dict[str, Any] | None = None
    hit_review_policy: dict[str, Any] | None = None
    mturk_id: str = field(default_factory=ids.new_entity_id)


def register_type(requester: Requester, fields: HITTypeFields, *, now: dt.datetime) -> HITType:
    """The HIT type with these fields; a new one if there is none."""
    found, _ = HITType.objects.get_or_create(
        requester=requester,
        fingerprint=fields.fingerprint(),
        is_deleted=False,
        defaults={**asdict(fields), "created_at": now},
    )
    return found


def keep_layout(requester: Requester, *, name: str, content: str, frame_height_px: int, now: dt.datetime) -> HITLayout:
    """The layout with this name and content. Other content is another layout: HITs of the first do not change."""
    kept, _ = HITLayout.objects.get_or_create(
        requester=requester, name=name, content_sha256=hashlib.sha256(content.encode()).hexdigest(),
        frame_height_px=frame_height_px, defaults={"content": content, "created_at": now},
    )  # fmt: skip
    return kept


def create_hit(hit_type: HITType, new: NewHIT, *, now: dt.datetime) -> HIT:
    """Creates a HIT, open at once, and holds its whole price. Raises Refused if the money is not enough."""
    hit = HIT.objects.create(
        mturk_id=new.mturk_id, requester=hit_type.requester, hit_type=hit_type, question=new.question,
        hit_layout_id=new.hit_layout_id, annotation=new.annotation, max_assignments=new.max_assignments, created_at=now,
        expires_at=now + new.lifetime, assignment_review_policy=new.assignment_review_policy,
        hit_review_policy=new.hit_review_policy,
    )  # fmt: skip
    transitions.advance_hit(hit, now=now)
    notifying.record("HITCreated", hit=hit, now=now)
    return hit


def set_expiration(hit: HIT, *, expires_at: dt.datetime, now: dt.datetime) -> None:
    """Changes when the HIT expires, perhaps to now. The caller holds the row lock."""
    transitions.check_status(hit, *transitions.NOT_DISPOSED)
    if expires_at > now + MAX_LIFETIME:
        raise bad_parameter("ExpireAt must lie within 365 days from now.")
    is_later = expires_at > hit.expires_at
    was_expired, hit.is_expired = hit.is_expired, expires_at <= now
    hit.expired_at = (hit.expired_at or now) if hit.is_expired else None
    hit.expires_at = expires_at
    became_reviewable = transitions.advance_hit(hit, now=now)
    if hit.is_expired and not was_expired:
        notifying.record("HITExpired", hit=hit, now=now)
    elif is_later and not hit.is_expired:
        notifying.record("HITExtended", hit=hit, now=now)
    if became_reviewable:
        policing.review_hit(hit, now=now)


def expire(hit: HIT, *, now: dt.datetime) -> None:
    """The lifetime is over: releases the money for assignments that nobody accepted."""
    hit.is_expired, hit.expired_at = True, hit.expires_at
    became_reviewable = transitions.advance_hit(hit, now=now)
    notifying.record("HITExpired", hit=hit, now=now)
    if became_reviewable:
        policing.review_hit(hit, now=now)


def mark_reviewing(hit: HIT, *, is_reverted: bool) -> None:
    wanted, before = (HITStatus.REVIEWABLE, HITStatus.REVIEWING) if is_reverted else (
        HITStatus.REVIEWING, HITStatus.REVIEWABLE,
    )  # fmt: skip
    transitions.check_status(hit, before)
    check_hit_move(before, wanted)
    hit.status = wanted
    hit.save(update_fields=["status"])


def change_type(hit: HIT, hit_type: HITType, *, now: dt.datetime) -> None:
    """Assignments already accepted keep the reward that was promised; open assignments cost what the new type says."""
    transitions.check_status(hit, *transitions.NOT_DISPOSED)
    hit.hit_type = hit_type
    transitions.advance_hit(hit, now=now)


def delete_hit(hit: HIT, *, now: dt.datetime) -> None:
    transitions.check_status(hit, HITStatus.REVIEWABLE, HITStatus.REVIEWING)
    if hit.n_submitted:
        raise Refused(
            Code.INVALID_HIT_STATE,
            "This HIT has "
            + say_count(hit.n_submitted, "submitted assignment that is", "submitted assignments that are")
            + " neither approved nor rejected.",
        )
    check_hit_move(HITStatus(hit.status), HITStatus.DISPOSED)
    hit.status = HITStatus.DISPOSED
    hit.is_expired = True
    transitions.advance_hit(hit, now=now)
    UploadedFile.objects.filter(assignment__hit=hit).delete()
    notifying.record("HITDisposed", hit=hit, now=now)
