"""The tables behind the marketplace `links`: people's links, the HITs that they lead to, and who holds which place."""

import uuid
from datetime import datetime
from decimal import Decimal

from django.db import models

SIMULATED = "SIMULATED-"


class Link(models.Model):
    """One person's address for one campaign. The first browser that starts it keeps it."""

    campaign = models.ForeignKey("crowd.Campaign", on_delete=models.CASCADE, related_name="links")
    number = models.PositiveIntegerField(help_text="From one, within the campaign")
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    note = models.CharField(max_length=120, blank=True, help_text="For whom; on no page of the person's")
    is_simulated = models.BooleanField(default=False, help_text="A program of the demo or of a test")
    code = models.CharField(max_length=16, help_text="Shown when the person has finished")
    # SHA-256 of what the browser that started keeps in a cookie; empty: not started, or opened again.
    browser_sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["campaign", "number"]
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="one_link_per_number")]

    def __str__(self) -> str:
        return f"link {self.number}"

    @property
    def worker_id(self) -> str:
        """What stands for the person where a marketplace's worker id stands."""
        return f"{SIMULATED if self.is_simulated else 'LINK-'}{self.public_id.hex}"


def forget_link(worker_id: str) -> None:
    """Erases the link of this worker id, with its note. The person's work stays, of nobody."""
    try:
        public_id = uuid.UUID(worker_id.rpartition("-")[2])
    except ValueError:
        return
    Link.objects.filter(public_id=public_id).delete()


class LinkedHIT(models.Model):
    """A HIT as this marketplace offers it. `external_id` is what the campaign's HIT knows it by."""

    external_id = models.CharField(max_length=64, unique=True)
    n_places = models.PositiveIntegerField()
    is_stopped = models.BooleanField(default=False)
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.external_id

    def count_free(self, *, now: datetime) -> int:
        """Places that nobody has submitted or holds."""
        open_state = LinkedWork.State.ACCEPTED
        taken = self.work.filter(~models.Q(state=open_state) | models.Q(deadline__gt=now))
        return self.n_places - taken.count()


class LinkedWork(models.Model):
    """One place of a HIT that a person took: an assignment, as this marketplace sees it."""

    class State(models.TextChoices):
        ACCEPTED = "accepted"
        SUBMITTED = "submitted"
        APPROVED = "approved"
        REJECTED = "rejected"

    # Null: the person was erased.
    link = models.ForeignKey(Link, on_delete=models.SET_NULL, related_name="work", null=True, blank=True)
    hit = models.ForeignKey(LinkedHIT, on_delete=models.CASCADE, related_name="work")
    external_id = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.ACCEPTED)
    accepted_at = models.DateTimeField()
    # Nobody else can take the place before this.
    deadline = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    fields = models.JSONField(default=dict)
    bonus_usd = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal(0))
    feedback = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["link", "hit"], name="one_place_per_link_and_hit")]

    def __str__(self) -> str:
        return self.external_id

    def is_held(self, *, now: datetime) -> bool:
        """True while the person is awaited: in time, or later while the HIT is offered and has a free place."""
        if self.state != self.State.ACCEPTED:
            return False
        is_offered = not self.hit.is_stopped and self.hit.ends_at > now
        return self.deadline > now or (is_offered and self.hit.count_free(now=now) > 0)
