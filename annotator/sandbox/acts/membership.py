"""Who may work here: inviting by name, renewing a lost key, pausing, reporting a HIT, and leaving."""

import datetime as dt
import secrets

from django.db import transaction

from annotator.refusals import Refusal
from annotator.sandbox.acts import accounts, paying_out, working
from annotator.sandbox.models import HIT, Invitation, Person, Report
from annotator.sandbox.rules.states import AssignmentState

MAX_TEXT = 2000
# Names are unique, and nobody can choose one with a parenthesis: so nobody can take the name of who leaves.
LEFT_NAME = "(left) {}"


class NoSuchPerson(Refusal):
    """Nobody here has this WorkerId."""


def invite_by_name(names: list[str], *, expires_at: dt.datetime) -> list[Invitation]:
    """One invitation per name; each is for one person, once."""
    made = [Invitation(note=name, n_left=1, expires_at=expires_at, is_named=True) for name in names]
    return Invitation.objects.bulk_create(made)


def find_person(worker_id: str) -> Person:
    """Raises NoSuchPerson."""
    person = Person.objects.filter(mturk_id=worker_id).first()
    if person is None:
        raise NoSuchPerson(f"Nobody here has the WorkerId {worker_id[:64]!r}.")
    return person


def renew_lost_key(person: Person) -> str:
    """A new sign-in key, shown once. The old key and every open session end. Raises NoSuchPerson for who has left."""
    if person.left_at is not None:
        raise NoSuchPerson(f"{person.mturk_id} has left.")
    return accounts.renew_key(person)


def pause(person: Person, *, reason: str, now: dt.datetime) -> None:
    """They can accept nothing more; what they hold they may finish, and what they earned is owed."""
    person.paused_at, person.pause_reason = now, reason
    person.save(update_fields=["paused_at", "pause_reason"])


def resume(person: Person) -> None:
    person.paused_at, person.pause_reason = None, ""
    person.save(update_fields=["paused_at", "pause_reason"])


def report(person: Person, hit: HIT, *, text: str, now: dt.datetime) -> None:
    Report.objects.create(person=person, hit=hit, text=text[:MAX_TEXT], at=now)


def keep_account(person: Person, *, contact: str, wants_mail: bool, payout_address: str) -> None:
    """What the person says on the page of their account. Nothing is kept of who has left meanwhile."""
    here = Person.objects.filter(pk=person.pk, left_at=None)
    here.update(
        contact=contact, wants_mail=wants_mail, sealed_payout_address=paying_out.seal_payout_address(payout_address)
    )


@transaction.atomic
def leave(person: Person, *, now: dt.datetime) -> None:
    """Who they are is forgotten: name, contact, key. HITs that they hold are given back.

    The WorkerId stays, because requesters and the ledger know it. The payout address stays while work
    waits or money is owed.
    """
    person = Person.objects.select_for_update(no_key=True).get(pk=person.pk)
    # From here on nothing is accepted, and what the person holds is neither submitted nor judged.
    unjudged = person.assignments.filter(state__in=[AssignmentState.ACCEPTED, AssignmentState.SUBMITTED])
    list(HIT.objects.select_for_update().filter(id__in=unjudged.values("hit")).order_by("id"))
    for mturk_id in person.assignments.filter(state=AssignmentState.ACCEPTED).values_list("mturk_id", flat=True):
        working.give_back(mturk_id, person=person, now=now)
    person.name, person.contact, person.invited_as = LEFT_NAME.format(person.mturk_id), "", ""
    person.key_sha256, person.left_at = secrets.token_hex(32), now
    person.wants_mail = False
    person.save()
    paying_out.forget_payout_address(person)
