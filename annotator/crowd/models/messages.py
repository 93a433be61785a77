"""What people and the requester write to each other, and who is told that a campaign is complete."""

from django.db import models
from django.db.models import Q

from annotator.crowd.models.assignments import Worker
from annotator.crowd.models.campaigns import Campaign


class Letter(models.Model):
    """What a person wrote to the requester at a marketplace, or what they were answered.

    The texts of an erased person's are empty; the marketplace's id stays, so that they are not taken in again.
    """

    marketplace = models.CharField(max_length=40)
    external_id = models.CharField(max_length=64, blank=True, help_text="The marketplace's; empty: an answer")
    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="letters")
    answered_to = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="answers")
    subject = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    written_by = models.CharField(max_length=150, blank=True, help_text="Of an answer: who wrote it here")
    problem = models.CharField(max_length=300, blank=True, help_text="Why an answer did not reach the person")

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace", "external_id"], condition=~Q(external_id=""), name="one_row_per_letter"
            )
        ]
        indexes = [
            models.Index(
                fields=["at"], condition=Q(answered_to=None, read_at=None) & ~Q(text=""), name="crowd_letter_unread"
            )
        ]

    def __str__(self) -> str:
        return f"{self.worker}: {self.subject}"


class Notice(models.Model):
    """Who is told when a campaign completes: an e-mail address, or an address that a message is posted to."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="notices")
    target = models.CharField(max_length=500)
    n_tries = models.PositiveSmallIntegerField(default=0)
    # Null: nothing is to be sent now.
    next_try_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True, help_text="Of the last try")

    class Meta:
        ordering = ["campaign", "id"]
        constraints = [models.UniqueConstraint(fields=["campaign", "target"], name="one_notice_per_target")]
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(next_try_at__isnull=False), name="crowd_notice_due")
        ]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.target}"

    @property
    def is_webhook(self) -> bool:
        return self.target.startswith(("http://", "https://"))
