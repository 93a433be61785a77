"""Mail to people who asked for it: one letter at a time about new HITs, decisions and messages since the last one."""

import datetime as dt
import smtplib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import get_connection, send_mail
from django.db.models import Q
from django.urls import reverse

from annotator.refusals import Refusal
from annotator.sandbox.acts import catalog
from annotator.sandbox.models import HIT, Person
from workers.engine.plurals import say_count

# Nobody gets more letters than one within this time.
PAUSE = dt.timedelta(hours=20)


class CannotMail(Refusal):
    """The settings name no mail server, or it takes no letters."""


@dataclass(frozen=True)
class News:
    """What happened for one person since their last letter."""

    n_hits: int
    n_decided: int
    n_messages: int

    def __bool__(self) -> bool:
        return bool(self.n_hits or self.n_decided or self.n_messages)


@dataclass(frozen=True)
class Mailed:
    """`refused`: WorkerIds whose letter the mail server did not take, each with its reason."""

    n_sent: int
    refused: dict[str, str]


def mail_everybody(*, now: dt.datetime) -> Mailed:
    """Sends what is due. Raises CannotMail if the server cannot be reached, or goes away in the middle.

    An address that the server refuses stops no other letter. Whoever was written to before is not written to again.
    """
    if not (settings.EMAIL_HOST and settings.MAIL_FROM):
        raise CannotMail("No mail server: set SMTP_HOST and MAIL_FROM.")
    waiting = Person.objects.filter(wants_mail=True, left_at=None).exclude(contact="")
    n_sent, refused = 0, dict[str, str]()
    try:
        with get_connection() as server:
            for person in waiting.exclude(mailed_at__gt=now - PAUSE).order_by("id"):
                news = find_news(person, now=now)
                # Noted first: a letter may be lost, and is never sent twice.
                if news and Person.objects.filter(pk=person.pk, mailed_at=person.mailed_at).update(mailed_at=now):
                    if reason := _send(person, news, server):
                        refused[person.mturk_id] = reason
                    else:
                        n_sent += 1
    except (OSError, smtplib.SMTPException) as error:
        raise CannotMail(
            f"The mail server takes no letters now ({type(error).__name__}); {say_count(n_sent, 'letter')} sent before."
        ) from error
    return Mailed(n_sent, refused)


def find_news(person: Person, *, now: dt.datetime) -> News:
    since = person.mailed_at or person.created_at
    offered = catalog.offered_hits(person, now=now).filter(pk__in=HIT.objects.filter(created_at__gt=since))
    decided = person.assignments.filter(Q(approved_at__gt=since) | Q(rejected_at__gt=since))
    messages = person.messages.filter(is_from_person=False, read_at=None, sent_at__gt=since)
    return News(offered.count(), decided.count(), messages.count())


def write_letter(news: News) -> str:
    """Counts and an address: nothing that others should not read in a mailbox."""
    lines = [
        (news.n_hits, f"{say_count(news.n_hits, 'new HIT')} that you can take"),
        (news.n_decided, f"{say_count(news.n_decided, 'HIT')} of yours reviewed"),
        (news.n_messages, say_count(news.n_messages, "unread message")),
    ]
    said = "\n".join(f"- {words}" for n, words in lines if n)
    site = f"{settings.SANDBOX_URL}{reverse('sandbox-list', urlconf='annotator.sandbox.urls')}"
    return (
        f"Since the last letter:\n{said}\n\n{site}\n\nYou asked for this on the page of your account, where you can "
        f"end it. {settings.SANDBOX_OPERATOR or 'The operator of this site'} runs this marketplace.\n"
    )


def _send(person: Person, news: News, server: Any) -> str:
    """Why the server does not take this letter; empty if it does. Raises OSError, SMTPException."""
    try:
        send_mail(
            "News from the marketplace", write_letter(news), settings.MAIL_FROM, [person.contact], connection=server
        )
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, UnicodeError) as error:  # the last: mail_addresses.py
        return type(error).__name__
    return ""
