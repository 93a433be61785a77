"""Workers by keyed pseudonym. The marketplace's id of a person is stored in one table only."""

import hashlib
import hmac
from datetime import datetime

from django.conf import settings

from annotator.crowd.models import Campaign, Worker


def make_pseudonym(*, marketplace: str, worker_id: str) -> str:
    message = f"{marketplace}\x1f{worker_id}".encode()
    return "W" + hmac.new(settings.PSEUDONYM_KEY.encode(), message, hashlib.sha256).hexdigest()[:19]


def find_worker(*, marketplace: str, worker_id: str) -> Worker | None:
    return Worker.objects.filter(pseudonym=make_pseudonym(marketplace=marketplace, worker_id=worker_id)).first()


def keep_worker(*, marketplace: str, worker_id: str, is_simulated: bool, now: datetime) -> Worker:
    """The row of this person; it is made when they are first seen."""
    worker, _ = Worker.objects.get_or_create(
        pseudonym=make_pseudonym(marketplace=marketplace, worker_id=worker_id),
        defaults={
            "marketplace": marketplace,
            "external_id": worker_id,
            "is_simulated": is_simulated,
            "created_at": now,
        },
    )
    return worker


def list_worker_ids(campaign: Campaign) -> list[tuple[str, str, str]]:
    """(pseudonym, marketplace, the marketplace's id) of everyone who worked in it and was not erased."""
    workers = Worker.objects.filter(assignments__hit__campaign=campaign, external_id__isnull=False).distinct()
    return [(row.pseudonym, row.marketplace, row.external_id or "") for row in workers.order_by("pseudonym")]
