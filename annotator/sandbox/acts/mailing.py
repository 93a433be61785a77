"""Mail to people who asked for it: one letter at a time about new HITs, decisions and messages since the last one."""

import datetime as dt
import smtplib
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q
from django.urls import reverse

from annotator.refusals import Refusal
from annotator.sandbox.acts import catalog
from annotator.sandbox.models import HIT, Person

# Nobody gets more letters than one within this time.
PAUSE = dt.timedelta(hours=20)


class CannotMail(Refusal):
    """The settings name no mail server, or it does not take letters."""


@dataclass(frozen=True)
class News:
    """What happened for one person since their last letter."""

    n_hits: int
    n_decided: int
    n_messages: int

    def __bool__(self) -> bool:
        return bool(self.n_hits or self.n_decided or self.n_messages)


def mail_everybody(*, now: dt.datetime) -> int:
    """Sends what is due; how many letters. Raises CannotMail; who was written to before is not written to again."""
    if not (settings.EMAIL_HOST and settings.MAIL_FROM):
        raise CannotMail("No mail server: set SMTP_HOST and MAIL_FROM.")
    waiting = Person.objects.filter(wants_mail=True, left_at=None).exclude(contact="")
    n_sent = 0
    for person in waiting.exclude(mailed_at__gt=now - PAUSE).order_by("id"):
        news = find_news(person, now=now)
        # Noted first: a letter may be lost, and is never sent twice.
        if news and Person.objects.filter(pk=person.pk, mailed_at=person.mailed_at).update(mailed_at=now):
            _send(person, news)
            n_sent += 1
    return n_sent


def find_news(person: Person, *, now: dt.datetime) -> News:
    since = person.mailed_at or person.created_at
    offered = catalog.offered_hits(person, now=now).filter(pk__in=HIT.objects.filter(created_at__gt=since))
    decided = person.assignments.filter(Q(approved_at__gt=since) | Q(rejected_at__gt=since))
    messages = person.messages.filter(is_from_person=False, read_at=None, sent_at__gt=since)
    return News(offered.count(), decided.count(), messages.count())


def write_letter(news: News) -> str:
    """Counts and an address: nothing that others should not read in a mailbox."""
    lines = [
        (news.n_hits, "new HITs that you can take"),
        (news.n_decided, "of your HITs were reviewed"),
        (news.n_messages, "unread messages"),
    ]
    said = "\n".join(f"- {n} {words}" for n, words in lines if n)
    site = f"{settings.SANDBOX_URL}{reverse('sandbox-list', urlconf='annotator.sandbox.urls')}"
    return (
        f"Since the last letter:\n{said}\n\n{site}\n\nYou asked for this on the page of your account, where you can "
        f"end it. {settings.SANDBOX_OPERATOR} runs this marketplace.\n"
    )


def _send(person: Person, news: News) -> None:
    try:
        send_mail("News from the marketplace", write_letter(news), settings.MAIL_FROM, [person.contact])
    except (OSError, smtplib.SMTPException) as error:
        raise CannotMail(f"The mail server does not take a letter ({type(error).__name__}).") from error
