"""The people who work here, what they are paid outside, how they are invited, and what they report."""

from django.db import models
from django.db.models import Q

from annotator.sandbox.rules import ids


class Person(models.Model):
    """A person who works here; never a user of the dashboard."""

    name = models.CharField(max_length=60, unique=True)
    mturk_id = models.CharField(max_length=64, unique=True)
    is_simulated = models.BooleanField(default=False, help_text="A program, said wherever the person appears")
    country = models.CharField(max_length=2, default="US")
    subdivision = models.CharField(max_length=2, blank=True)
    # The hash of the sign-in key. The key has 144 random bits, so a plain hash is enough. A session ends with its key.
    key_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    # Seen by the operator alone, as is for whom the invitation was.
    invited_as = models.CharField(max_length=120, blank=True)
    contact = models.EmailField(max_length=200, blank=True)
    wants_mail = models.BooleanField(default=False, help_text="News by e-mail, to the contact")
    mailed_at = models.DateTimeField(null=True, blank=True, help_text="Of the last letter")
    # Where the person wants to be paid, encrypted (rules/sealing.py); empty: not said.
    sealed_payout_address = models.TextField(blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(max_length=300, blank=True)
    # The name, the contact and the key are gone; what is owed is still paid.
    left_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """A link with which `n_left` more people can sign up. One that names somebody is for one person."""

    code = models.CharField(max_length=40, unique=True, default=ids.new_code)
    note = models.CharField(max_length=120, blank=True)
    n_left = models.PositiveIntegerField(default=1)
    expires_at = models.DateTimeField()
    is_named = models.BooleanField(default=False, help_text="`note` is the name of the one person it is for")


class Payout(models.Model):
    """Money that the operator paid to a person outside this program; the ledger has its entries."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="payouts")
    amount_usd = models.DecimalField(max_digits=14, decimal_places=2)
    reference = models.CharField(max_length=80, unique=True, help_text="Of the payment; recorded once")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(amount_usd__gt=0), name="sandbox_payout_positive")]


class Report(models.Model):
    """Somebody says that something is wrong with a HIT; the operator reads it."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="reports")
    hit = models.ForeignKey("sandbox.HIT", on_delete=models.CASCADE, related_name="reports")
    text = models.CharField(max_length=2000)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
