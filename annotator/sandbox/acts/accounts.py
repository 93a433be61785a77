"""Make accounts: requesters with keys and play money, people with a sign-in key."""

import datetime as dt
import hashlib
import secrets
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from annotator.sandbox import ledger
from annotator.sandbox.models import Invitation, Person, Requester
from annotator.sandbox.rules import ids

# Nobody owes a program. So a name that begins like this makes a program only where anybody may sign up, which is where
# the demo and the tests run; who was invited is a person, and is refused.
SIMULATED_NAME_PREFIX = "simulated-"


class SignUpRefused(Exception):
    """Nobody can sign up like this; the message says why."""


@transaction.atomic
def open_account(name: str, *, balance_usd: Decimal, now: dt.datetime) -> Requester:
    """The requester of this name; a new one gets this balance."""
    requester, is_new = Requester.objects.get_or_create(
        name=name,
        defaults={
            "access_key_id": ids.new_access_key_id(), "secret_access_key": secrets.token_urlsafe(30),
            "created_at": now,
        },
    )  # fmt: skip
    if is_new:
        ledger.deposit(requester, balance_usd, now=now)
        requester.refresh_from_db()
    return requester


def hash_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@transaction.atomic
def sign_up(
    *, name: str, country: str, subdivision: str = "", contact: str = "", invitation: str | None, now: dt.datetime
) -> tuple[Person, str]:
    """A new person and their sign-in key, which is shown once. `invitation` is None if anybody may sign up.

    Raises SignUpRefused.
    """
    if invitation is not None and name.casefold().startswith(SIMULATED_NAME_PREFIX):
        raise SignUpRefused(gettext_noop("Names that begin with simulated- belong to programs; choose another."))
    invited_as = _use_invitation(invitation, now=now) if invitation is not None else ""
    is_simulated = name.startswith(SIMULATED_NAME_PREFIX)
    key = ids.new_code()
    try:
        with transaction.atomic():
            person = Person.objects.create(
                name=name, country=country, subdivision=subdivision, is_simulated=is_simulated,
                mturk_id=ids.simulated_worker_id(name) if is_simulated else ids.new_worker_id(),
                key_sha256=hash_key(key), created_at=now, contact=contact, invited_as=invited_as,
            )  # fmt: skip
    except IntegrityError:
        raise SignUpRefused("Somebody here has this name already; choose another.") from None
    return person, key


def _use_invitation(code: str, *, now: dt.datetime) -> str:
    """For whom the invitation was, if it names somebody."""
    used = Invitation.objects.filter(code=code, n_left__gt=0, expires_at__gt=now).update(n_left=F("n_left") - 1)
    if not used:
        raise SignUpRefused("This invitation is not valid, used up or expired; ask who sent it for another.")
    return Invitation.objects.filter(is_named=True, code=code).values_list("note", flat=True).first() or ""


def find_by_key(key: str) -> Person | None:
    return Person.objects.filter(key_sha256=hash_key(key)).first()


def renew_key(person: Person) -> str:
    """A new sign-in key; the old one is no longer valid. The key of who has left meanwhile signs nobody in."""
    key = ids.new_code()
    person.key_sha256 = hash_key(key)
    Person.objects.filter(pk=person.pk, left_at=None).update(key_sha256=person.key_sha256)
    return key
