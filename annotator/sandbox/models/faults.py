"""The switchboard's state: one row of switches, off by default."""

from django.db import models
from django.db.models import Q


class Switches(models.Model):
    """The faults that the marketplace makes on purpose. `annotator.sandbox.switchboard` reads and sets them."""

    settings = models.JSONField(default=dict)
    n_calls = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="sandbox_one_switchboard")]
