"""Who asks and who answers: requesters with keys and a balance, people, blocks and messages between them."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotator.sandbox.models.people import Person
from annotator.sandbox.rules import ids

# The account of the installation itself, whose name in the table is a key and no name that people know.
OWN = "own"


class Requester(models.Model):
    name = models.CharField(max_length=80, unique=True)
    mturk_id = models.CharField(max_length=64, unique=True, default=ids.new_worker_id)
    access_key_id = models.CharField(max_length=40, unique=True)
    # Stored in plain text: a signature can be checked only with the secret itself.
    secret_access_key = models.CharField(max_length=64)
    # Stored in addition to the ledger, for the row lock and the constraint; the audit recomputes both.
    available_usd = models.DecimalField(max_digits=14, decimal_places=2, default=Decimal(0))
    held_usd = models.DecimalField(max_digits=14, decimal_places=2, default=Decimal(0))
    # Where the requester's part of the ledger ends: rows that are removed from its end are missed.
    n_ledger_entries = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(available_usd__gte=0), name="sandbox_available_not_negative"),
            models.CheckConstraint(condition=Q(held_usd__gte=0), name="sandbox_held_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_name(self) -> str:
        """As people read it: who runs the marketplace asks by its own account."""
        return name_own_account() if self.name == OWN else self.name


def name_own_account() -> str:
    """Stands within sentences of four languages, so that an operator without a name is called by the program's."""
    return str(settings.SANDBOX_OPERATOR or "Unitscope")


class WorkerBlock(models.Model):
    requester = models.ForeignKey(Requester, on_delete=models.CASCADE, related_name="blocks")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="blocks")
    reason = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["requester", "person"], name="sandbox_one_block")]


class Message(models.Model):
    """A message to a person (NotifyWorkers, a grant, a revocation), or from a person to a requester."""

    requester = models.ForeignKey(Requester, on_delete=models.CASCADE, related_name="messages")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="messages")
    is_from_person = models.BooleanField(default=False)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    sent_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
