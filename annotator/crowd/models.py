"""What is asked and answered: campaigns, HITs, assignments, workers, and every outward act as a row."""

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from annotator.crowd.categories import SemanticCategory
from annotator.crowd.linked import Link, LinkedHIT, LinkedWork  # noqa: F401 (Django finds tables in this module)
from annotator.names import MAX_LENGTH, validate_name
from annotator.units.models import DissectedUnit, Image, TopImage, Unit

CATEGORY_CHOICES = [(category.value, category.value) for category in SemanticCategory]


class Campaign(models.Model):
    class State(models.TextChoices):
        DRAFT = "draft"
        QUOTED = "quoted"
        PUBLISHED = "published"
        COLLECTING = "collecting"
        COMPLETE = "complete"
        CLOSED = "closed"

    class Policy(models.TextChoices):
        ACCEPT_AND_SCORE = "accept and score"
        MUST_FIND = "must find"

    name = models.CharField(unique=True, max_length=MAX_LENGTH, validators=[validate_name])
    marketplace = models.CharField(max_length=40, default="own", help_text="A name of marketplaces/table.py")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    is_paused = models.BooleanField(default=False)
    # Answers were imported from a published file; nothing was or will be asked.
    is_imported = models.BooleanField(default=False)
    policy = models.CharField(max_length=16, choices=Policy.choices, default=Policy.ACCEPT_AND_SCORE)
    n_assignments = models.PositiveSmallIntegerField(default=3)
    reward_usd = models.DecimalField(max_digits=8, decimal_places=2)
    budget_cap_usd = models.DecimalField(max_digits=10, decimal_places=2)
    hourly_floor_usd = models.DecimalField(max_digits=6, decimal_places=2, default=Decimal("12.00"))
    # What outward acts have reserved of the cap; raised by the transaction that writes such an act.
    committed_usd = models.DecimalField(max_digits=12, decimal_places=4, default=Decimal(0))
    # More than n_assignments: labels.extending may ask for more where people disagree, up to this many.
    max_assignments = models.PositiveSmallIntegerField(null=True, blank=True)
    lifetime_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="How long its HITs can be taken; null: as the HIT type says"
    )
    max_hits_per_worker = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="One person's largest share"
    )
    qualifications = models.JSONField(default=dict, blank=True, help_text="locales, min_approval_percent, min_approved")
    quote = models.JSONField(default=dict, blank=True, help_text="What quoting computed, amounts as strings")
    requester_name = models.CharField(max_length=120, default="A research group using Unitscope")
    contact = models.CharField(max_length=200, blank=True)
    ethics_number = models.CharField(max_length=80, blank=True)
    seed = models.BigIntegerField()
    problem = models.TextField(blank=True, help_text="Why it waits: one sentence, cleared when it goes on")
    keeps_suspected = models.BooleanField(
        default=False, help_text="Answers that the rule would set aside are counted (label --keep-suspected)"
    )
    created_at = models.DateTimeField()
    quoted_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    # Who confirmed at publication that this campaign spends real money; null for play money.
    real_money_confirmed_at = models.DateTimeField(null=True, blank=True)
    real_money_confirmed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(reward_usd__gte=0), name="reward_not_negative"),
            models.CheckConstraint(condition=Q(budget_cap_usd__gte=0), name="cap_not_negative"),
            models.CheckConstraint(condition=Q(committed_usd__lte=F("budget_cap_usd")), name="spending_within_cap"),
        ]

    def __str__(self) -> str:
        return self.name


# People work on these.
GOING = (Campaign.State.PUBLISHED, Campaign.State.COLLECTING)


class HITType(models.Model):
    """One folder of hit_templates/ as it was registered at the campaign's marketplace."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="hit_types")
    template = models.CharField(max_length=80, default="unit_semantics")
    template_sha256 = models.CharField(max_length=64, blank=True)
    fields = models.JSONField(default=dict, help_text="What was sent to register it")
    external_id = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.campaign} {self.template}"


class HIT(models.Model):
    """One question, about one or several units, put to n_assignments people."""

    class State(models.TextChoices):
        COMPOSED = "composed"
        PUBLISHED = "published"
        COMPLETE = "complete"
        CANCELED = "canceled"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="hits")
    hit_type = models.ForeignKey(HITType, on_delete=models.CASCADE, related_name="hits")
    question_key = models.CharField(
        max_length=200,
        help_text="Ids of its units, in their order, joined by +; of a question about photographs its digest follows",
    )
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    seed = models.BigIntegerField()
    n_assignments = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.COMPOSED)
    external_id = models.CharField(max_length=64, blank=True)
    # Nobody can take it after this. Null: not published, or not known.
    expires_at = models.DateTimeField(null=True, blank=True)
    n_released = models.PositiveSmallIntegerField(
        default=0, help_text="Assignments of a withdrawn HIT that nobody took: their money is free again"
    )

    class Meta:
        ordering = ["campaign", "id"]
        constraints = [models.UniqueConstraint(fields=["hit_type", "question_key"], name="one_hit_per_question")]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.name_units()}"

    def name_units(self) -> str:
        """For lists, prefetch `hit_units__unit__layer`."""
        return " and ".join(str(one.unit) for one in self.hit_units.all())


class HITUnit(models.Model):
    """A unit that a HIT shows, and the phrase that the HIT asks about it, if any."""

    hit = models.ForeignKey(HIT, on_delete=models.CASCADE, related_name="hit_units")
    position = models.PositiveSmallIntegerField(default=0, help_text="Order on the page, from zero")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="hit_units")
    # Null in an imported campaign, and if the HIT shows photographs.
    dissected_unit = models.ForeignKey(
        DissectedUnit, on_delete=models.PROTECT, related_name="hit_units", null=True, blank=True
    )
    phrase = models.CharField(max_length=1000, blank=True)
    # Of a question about photographs (campaigns/questions.py).
    texts = models.JSONField(default=list, blank=True, help_text="Descriptions that it shows, of no stated method")
    facts = models.JSONField(default=dict, blank=True, help_text="What its HIT type asks: is_graded, is_catch")
    asked_as = models.CharField(max_length=200, blank=True, help_text="What its asker calls it; on no page")
    chosen_because = models.CharField(max_length=80, blank=True, help_text="top IoU, random, named, disagreement")
    inclusion_probability = models.FloatField(
        null=True,
        blank=True,
        help_text="The probability of being chosen in this way; null: chosen by hand, or not recorded",
    )

    class Meta:
        ordering = ["hit", "position"]
        constraints = [
            models.UniqueConstraint(fields=["hit", "position"], name="one_unit_per_position"),
            models.CheckConstraint(
                condition=Q(inclusion_probability__gt=0, inclusion_probability__lte=1),
                name="inclusion_probability_0_to_1",
            ),
        ]

    def __str__(self) -> str:
        return str(self.unit)


class HITImage(models.Model):
    """What a HIT may show: top crops and the low crops that planted negatives are drawn from, or whole photographs."""

    hit_unit = models.ForeignKey(HITUnit, on_delete=models.CASCADE, related_name="images")
    top_image = models.ForeignKey(TopImage, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    is_planted = models.BooleanField(default=False)
    # Of a whole photograph.
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    number = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Zero-based within the question")
    section = models.PositiveSmallIntegerField(default=0, help_text="Photographs are shuffled within their section")
    gold = models.BooleanField(null=True, blank=True, help_text="The right answer; null: not known")
    tile = models.CharField(max_length=64, blank=True, help_text="SHA-256 and name of the stored picture")

    class Meta:
        ordering = ["hit_unit", "top_image", "number"]
        constraints = [
            models.UniqueConstraint(fields=["hit_unit", "top_image"], name="one_crop_per_hit_unit"),
            models.UniqueConstraint(fields=["hit_unit", "number"], name="one_photograph_per_number"),
            models.CheckConstraint(
                condition=Q(top_image__isnull=False, image__isnull=True, number__isnull=True)
                | Q(top_image__isnull=True, image__isnull=False, number__isnull=False),
                name="crop_or_photograph",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hit_unit} {'photograph' if self.top_image is None else 'rank'} {self.rank}"

    @property
    def rank(self) -> int:
        """The number that answers name it by."""
        return self.top_image.rank if self.top_image is not None else int(self.number or 0)


class Worker(models.Model):
    """A person. The marketplace's id of them stands in this table alone; elsewhere stands the pseudonym."""

    marketplace = models.CharField(max_length=40)
    external_id = models.CharField(max_length=64, null=True, blank=True)
    pseudonym = models.CharField(max_length=32, unique=True)
    is_simulated = models.BooleanField(default=False, help_text="A program of the demo or of a test, not a person")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["marketplace", "external_id"], name="one_row_per_worker")]

    def __str__(self) -> str:
        return self.pseudonym


class Assignment(models.Model):
    """One person's work on one HIT, from opening the page to the payment. Keyed by (assignment, worker).

    The work of a visit that the marketplace has not confirmed is claimed, then kept: it has no worker, is no answer and
    is never paid. It becomes an answer when the marketplace's list names it.
    """

    class State(models.TextChoices):
        CLAIMED = "claimed"
        KEPT = "kept"
        STARTED = "started"
        STORED = "stored"
        SUBMITTED = "submitted"
        APPROVED = "approved"
        REJECTED = "rejected"

    hit = models.ForeignKey(HIT, on_delete=models.PROTECT, related_name="assignments")
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="assignments", null=True, blank=True)
    # Null in an imported campaign, where `imported_position` tells the answers of a unit apart.
    external_id = models.CharField(max_length=64, null=True, blank=True)
    imported_position = models.PositiveSmallIntegerField(null=True, blank=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.STARTED)
    # Of a claimed visit: the pseudonym of the person it claims to be, and what tells its browser from all others.
    claimed_by = models.CharField(max_length=32, blank=True)
    visit_key = models.CharField(max_length=64, blank=True)
    seed = models.BigIntegerField(default=0)
    draft = models.JSONField(default=dict)
    draft_revision = models.PositiveIntegerField(default=0)
    client_id = models.UUIDField(null=True, blank=True, unique=True, help_text="Makes a submission repeatable")
    raw_answer = models.JSONField(null=True, blank=True)
    n_sent_back = models.PositiveSmallIntegerField(default=0)
    is_left_out = models.BooleanField(default=False, help_text="Not counted; not a rejection")
    left_out_reason = models.CharField(max_length=300, blank=True)
    # A person's decision stays; the rule of judging/excluding.py decides again at each labeling.
    count_decided_by = models.CharField(
        max_length=150, blank=True, help_text="Who decided whether it counts: the rule, a person, or nobody yet"
    )
    # The marketplace listed it, but our page never stored it, so the answer is the marketplace's.
    is_from_marketplace = models.BooleanField(default=False)
    # Stored, and not submitted in its time: it can be given back no more, and the marketplace is not asked again.
    is_past_return = models.BooleanField(default=False)
    auto_approval_at = models.DateTimeField(null=True, blank=True)
    consent_version = models.CharField(max_length=40, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    stored_at = models.DateTimeField(null=True, blank=True)
    # As the marketplace states them.
    accepted_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    # As the page measured it, never more than the server's own clock allows (judging/paid_time.py).
    active_seconds = models.FloatField(default=0)

    class Meta:
        ordering = ["hit", "id"]
        constraints = [
            models.UniqueConstraint(fields=["external_id", "worker"], name="one_row_per_assignment_and_worker"),
            models.UniqueConstraint(fields=["hit", "imported_position"], name="one_row_per_imported_answer"),
            models.UniqueConstraint(
                fields=["hit", "external_id", "visit_key"], condition=~Q(visit_key=""), name="one_row_per_claimed_visit"
            ),
        ]
        indexes = [
            models.Index(fields=["hit"], condition=~Q(left_out_reason=""), name="suspected_or_left_out"),
            models.Index(fields=["visit_key"], condition=~Q(visit_key=""), name="crowd_assignment_by_visit"),
        ]

    def __str__(self) -> str:
        return f"{self.hit} by {self.worker}"


class Answer(models.Model):
    """What one assignment says about one of its HIT's units. The HIT type gives the columns their values.

    A column is null if the HIT type does not ask for it. All are null until the person has answered.
    """

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="answers")
    hit_unit = models.ForeignKey(HITUnit, on_delete=models.PROTECT, related_name="answers")
    # Tile numbers in the order shown: ranks of top_images, or numbers of photographs; drawn by the seed, known to the
    # server alone.
    # Empty for an imported answer that does not tell them.
    shown_ranks = models.JSONField(default=list)
    planted_ranks = models.JSONField(default=list)
    says = models.JSONField(null=True, blank=True, help_text="What has no column of its own; null until answered")
    metrics = models.JSONField(default=dict, help_text="Name -> number: fits, rating, chosen")
    description = models.CharField(max_length=200, null=True, blank=True)
    category = models.CharField(max_length=30, null=True, blank=True, choices=CATEGORY_CHOICES)
    marked_ranks = models.JSONField(null=True, blank=True, help_text="Crops marked as not fitting")
    # Top crops left unmarked / top crops shown (docs/measures.md, Precision); as published for imported answers.
    precision = models.FloatField(null=True, blank=True)
    n_planted_missed = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["assignment", "hit_unit"]
        constraints = [
            models.UniqueConstraint(fields=["assignment", "hit_unit"], name="one_answer_per_unit"),
            models.CheckConstraint(
                condition=Q(precision__isnull=True) | Q(precision__gte=0, precision__lte=1),
                name="precision_between_0_and_1",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hit_unit} by {self.assignment.worker}"


class OutwardAct(models.Model):
    """One act on a marketplace, written with the decision it follows from, before the call is made."""

    class State(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        DONE = "done"
        UNKNOWN = "unknown"
        FAILED = "failed"
        NEEDS_HUMAN = "needs_human"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="outward_acts")
    verb = models.CharField(max_length=20, help_text="Of marketplaces/facts.py: register, publish, approve, ...")
    purpose = models.CharField(max_length=20, blank=True, help_text="compensation, or empty")
    key = models.CharField(max_length=64, unique=True, help_text="Makes the act once, here and there")
    hit = models.ForeignKey(HIT, on_delete=models.PROTECT, null=True, blank=True, related_name="outward_acts")
    assignment = models.ForeignKey(
        Assignment, on_delete=models.PROTECT, null=True, blank=True, related_name="outward_acts"
    )
    request = models.JSONField(default=dict)
    # What an unknown outcome is judged by, where the request alone does not say: {"max_assignments": n}.
    expected = models.JSONField(default=dict)
    response = models.JSONField(null=True, blank=True)
    cost_usd = models.DecimalField(max_digits=10, decimal_places=4, default=Decimal(0))
    state = models.CharField(max_length=11, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["verb", "purpose", "assignment"],
                condition=Q(verb__in=["approve", "overturn", "pay_bonus"]),
                name="one_payment_per_assignment",
            )
        ]
        indexes = [models.Index(fields=["state", "campaign"])]

    def __str__(self) -> str:
        return f"{self.verb} {self.state}"


class Rejection(models.Model):
    """A proposal not to pay for an assignment; it takes a second person to send it."""

    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="rejection")
    reason = models.CharField(max_length=900, help_text="What the worker is told")
    evidence = models.JSONField(help_text="What the proposer saw: flags and figures")
    proposed_by = models.CharField(max_length=150)
    proposed_at = models.DateTimeField()
    confirmed_by = models.CharField(max_length=150, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    overturned_by = models.CharField(max_length=150, blank=True)
    overturned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-proposed_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by="") | ~Q(confirmed_by=F("proposed_by")), name="rejection_takes_two_people"
            )
        ]

    def __str__(self) -> str:
        return f"{self.assignment}: {self.reason}"


class Compensation(models.Model):
    """Pay for work that was stored here and could not be submitted: a HIT that one worker alone may take."""

    assignment = models.OneToOneField(Assignment, on_delete=models.PROTECT, related_name="compensation")
    qualification_id = models.CharField(max_length=64, blank=True)
    hit_type_id = models.CharField(max_length=64, blank=True)
    hit_id = models.CharField(max_length=64, blank=True)
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    decided_by = models.CharField(max_length=150)
    decided_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"compensation for {self.assignment}"


def has_compensating_bonus(condition: Q) -> Exists:
    """Of assignments: there is a bonus that compensates, and its outward act fulfils the condition."""
    bonuses = OutwardAct.objects.filter(condition, verb="pay_bonus", purpose="compensation")
    return Exists(bonuses.filter(assignment=OuterRef("pk")))


def was_paid_by_bonus() -> Exists:
    """Of assignments: the work could not be submitted, and a bonus has paid for it."""
    return has_compensating_bonus(Q(state=OutwardAct.State.DONE))


# Still worked on.
OPEN = (Assignment.State.CLAIMED, Assignment.State.STARTED)
# What labels and judges count, unless it was left out.
COUNTED = (Assignment.State.SUBMITTED, Assignment.State.APPROVED)
# What people have sent: shown, and counted as answers on pages.
ANSWERED = (
    Assignment.State.STORED,
    Assignment.State.SUBMITTED,
    Assignment.State.APPROVED,
    Assignment.State.REJECTED,
)


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
