"""Tells people and programs that a campaign is complete: by e-mail, or by a signed message to an address of theirs.

A notice is a row before it is sent. It is tried a bounded number of times, apart from collecting, and holds up nothing.
"""

import contextlib
import hashlib
import hmac
import json
import smtplib
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import connection
from django.urls import reverse
from django.utils.crypto import salted_hmac

from annotator.crowd.campaigns.openness import count_wanted
from annotator.crowd.models import ANSWERED, Assignment, Campaign, Notice
from annotator.mail_addresses import check_mail_address
from annotator.posting import AddressRefused, NotTaken, check_address, post
from annotator.refusals import Refusal
from workers.engine.plurals import say_count

SALT = "unitscope.crowd.notices"
MAX_TARGETS = 10
MAX_TRIES = 6
# Doubled after each try: the last one is half an hour after the first.
FIRST_WAIT = timedelta(minutes=1)
# Any fixed number. Whoever sends holds this lock: however many notices wait for slow receivers, one thread waits.
_LOCK = 7_312_042
SIGNATURE, TIME = "X-Unitscope-Signature", "X-Unitscope-Time"


class CannotTell(Refusal):
    """The text is no address that a notice can be sent to, there are too many, or nobody is told there."""


def add_notice(campaign: Campaign, target: str) -> Notice:
    """`target`: an e-mail address or a web address. Of a campaign that is complete, nothing is sent until it is so
    again. Raises CannotTell.
    """
    target = target.strip()
    check_target(target)
    if campaign.is_imported:
        raise CannotTell("The campaign was imported: it does not become complete here.")
    if campaign.state == Campaign.State.CLOSED:
        raise CannotTell("The campaign is closed: it does not become complete again.")
    if campaign.notices.exclude(target=target).count() >= MAX_TARGETS:
        raise CannotTell(f"At most {MAX_TARGETS} are told about one campaign.")
    notice, _ = Notice.objects.get_or_create(campaign=campaign, target=target)
    return notice


def check_target(target: str) -> None:
    """Raises CannotTell for an address that can never be told."""
    if len(target) > 500:
        raise CannotTell("The address is too long.")
    if "://" in target:
        _check_webhook(target)
    else:
        _check_mail(target)


def find_notice(campaign: Campaign, target: str) -> Notice:
    """Raises CannotTell if this address is not told of the campaign."""
    notice = campaign.notices.filter(target=target.strip()).first()
    if notice is None:
        raise CannotTell("This address is not told of the campaign.")
    return notice


def _check_webhook(target: str) -> None:
    try:
        check_address(target)
    except AddressRefused as refused:
        raise CannotTell(str(refused)) from None


def _check_mail(target: str) -> None:
    try:
        check_mail_address(target)
    except ValidationError:
        raise CannotTell("Write an e-mail address, or a web address that begins with https://.") from None
    if not _can_mail():
        raise CannotTell("No mail server: the operator sets SMTP_HOST and MAIL_FROM.")


def _can_mail() -> bool:
    return bool(settings.EMAIL_HOST and settings.MAIL_FROM)


def plan_notices(campaign: Campaign, *, now: datetime) -> None:
    """The campaign has just become complete: its notices are due. In the caller's transaction."""
    campaign.notices.update(n_tries=0, next_try_at=now, sent_at=None, problem="")


def tell_due(*, now: datetime) -> int:
    """Sends what is due; returns how many were sent. Sends nothing while another process does this."""
    n_sent = 0
    with _try_alone() as is_alone:
        due = Notice.objects.filter(next_try_at__lte=now).select_related("campaign").order_by("next_try_at", "id")
        for notice in due if is_alone else due.none():
            n_sent += _tell(notice, now=now)
    return n_sent


@contextlib.contextmanager
def _try_alone() -> Iterator[bool]:
    """False if another process sends now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        is_alone = cursor.fetchone()[0]
        try:
            yield is_alone
        finally:
            if is_alone:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _tell(notice: Notice, *, now: datetime) -> bool:
    """One try of a notice that is due. True if it was sent."""
    n_tries = notice.n_tries + 1
    next_try_at = None if n_tries >= MAX_TRIES else now + FIRST_WAIT * 2**notice.n_tries
    # Claimed before it is sent: whoever dies in the middle leaves the next try, or says that the last one did not end.
    claim = Notice.objects.filter(pk=notice.pk, next_try_at=notice.next_try_at, n_tries=notice.n_tries)
    if not claim.update(n_tries=n_tries, next_try_at=next_try_at, problem="This try did not end."):
        return False
    problem = _send(notice, now=now)
    changes = {"problem": problem} if problem else {"problem": "", "sent_at": now, "next_try_at": None}
    # A campaign that completed again meanwhile has set the tries to 0: that is told in a try of its own.
    Notice.objects.filter(pk=notice.pk, sent_at=None, n_tries__gte=n_tries).update(**changes)
    return not problem


def _send(notice: Notice, *, now: datetime) -> str:
    """Why it could not be sent, in words; "" if it was."""
    try:
        if notice.is_webhook:
            body = json.dumps(describe_completion(notice.campaign, now=now)).encode()
            post(notice.target, body, headers=_sign(notice, body, now=now))
        elif not _can_mail():
            return "No mail server: the operator sets SMTP_HOST and MAIL_FROM."
        else:
            subject, text = write_letter(notice.campaign)
            send_mail(subject, text, settings.MAIL_FROM, [notice.target])
    except (AddressRefused, NotTaken) as problem:
        return str(problem)[:300]
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        return f"The mail server did not take it ({type(error).__name__})."
    return ""


def make_key(notice: Notice) -> str:
    """The key of the webhook's signatures, in hexadecimal: one for each campaign and address."""
    return salted_hmac(SALT, f"{notice.campaign_id}\n{notice.target}", algorithm="sha256").hexdigest()


def _sign(notice: Notice, body: bytes, *, now: datetime) -> dict[str, str]:
    """An HMAC-SHA256 over the time in epoch seconds, a dot, and the body."""
    stamp = str(int(now.timestamp()))
    digest = hmac.new(make_key(notice).encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", TIME: stamp, SIGNATURE: f"sha256={digest}"}


def describe_completion(campaign: Campaign, *, now: datetime) -> dict[str, object]:
    """No person's id, no answer: what a stranger who reads it may know."""
    answered = Assignment.objects.filter(hit__campaign=campaign, state__in=ANSWERED)
    return {
        "event": "campaign complete",
        "campaign": campaign.name,
        "address": _address(campaign),
        "marketplace": campaign.marketplace,
        "n_answers": answered.count(),
        "n_wanted": count_wanted(campaign),
        "sent_at": now.isoformat(timespec="seconds"),
    }


def write_letter(campaign: Campaign) -> tuple[str, str]:
    """Subject and text of the e-mail."""
    n_answers = Assignment.objects.filter(hit__campaign=campaign, state__in=ANSWERED).count()
    return (
        f"The campaign {campaign.name} is complete",
        f"All HITs of the campaign {campaign.name} are complete or withdrawn: {say_count(n_answers, 'answer')}.\n\n"
        f"{_address(campaign)}\n\nSomebody asked {urlsplit(settings.WEB_URL).hostname} to tell you. "
        "The campaign's page lists everyone who is told; your address can be removed there.\n",
    )


def _address(campaign: Campaign) -> str:
    return f"{settings.WEB_URL}{reverse('campaign', args=[campaign.name], urlconf='annotator.urls')}"
