"""Labels a campaign, and keeps the label of record of each unit (docs/measures.md, Label of record).

A label of record stands for what people say about a unit's crops. It is pooled over all campaigns that asked the same
question about the same crops. Answers of simulated people are never pooled with those of people.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from annotator.crowd.models import Campaign, HITType
from annotator.labels.counted_answers import CountedAnswer, gather_answers
from annotator.labels.labeling import Labeled, find_sources, gather_vocabulary, make_labels, store_labels
from annotator.labels.models import UnitLabel

Crops = tuple[int, str]


@dataclass(frozen=True)
class CampaignLabel:
    """One campaign's label of a unit's crops. `question` is the HIT type that asked."""

    pk: int
    campaign_id: int
    question: str
    n_answers: int
    n_simulated: int

    @property
    def n_real(self) -> int:
        return self.n_answers - self.n_simulated


@dataclass(frozen=True)
class Pool:
    """Campaigns whose answers about the same crops make one label: those of people, or those of simulated people."""

    campaign_ids: frozenset[int]
    is_simulated: bool


def label_campaign(*, campaign: Campaign, now: datetime, keeps_suspected: bool | None = None) -> Labeled:
    """Labels every unit that has answers that count; done again, it replaces. Raises NothingToLabel.

    Suspected answers are set aside before, see `store_labels`.
    """
    units = set(campaign.unit_labels.values_list("unit_id", flat=True))
    done = store_labels(campaign=campaign, now=now, keeps_suspected=keeps_suspected)
    keep_record(units=units.union(campaign.unit_labels.values_list("unit_id", flat=True)), now=now)
    return done


@transaction.atomic
def keep_record(*, units: Collection[int], now: datetime) -> None:
    """Chooses or pools the label of record of these units; a reviewer's decisions apply to pooled labels, too."""
    found = UnitLabel.objects.filter(unit__in=units)
    found.filter(campaign=None).delete()
    found.filter(is_of_record=True).update(is_of_record=False)
    grouped = _group(units)
    choices = {crops: choose_record(labels) for crops, labels in grouped.items()}
    pools: dict[Pool, set[Crops]] = {}
    for crops, choice in choices.items():
        if isinstance(choice, Pool):
            pools.setdefault(choice, set()).add(crops)
    pooled = [label for pool, wanted in pools.items() for label in _pool(pool, wanted, now)]
    UnitLabel.objects.bulk_create(pooled, batch_size=500)
    done = {(label.unit_id, label.source) for label in pooled}
    # If nothing is left to pool (answers were set aside since they were labeled), the most answered label stands.
    alone = [
        max(grouped[crops], key=lambda label: label.n_answers).pk if isinstance(choice, Pool) else choice
        for crops, choice in choices.items()
        if crops not in done
    ]
    UnitLabel.objects.filter(pk__in=alone).update(is_of_record=True)


def choose_record(labels: Sequence[CampaignLabel]) -> int | Pool:
    """Of all campaigns' labels of the same crops: the label that stands for them, by its row, or what is pooled.

    Of several questions, the one that most people answered; people go before simulated people.
    """
    questions: dict[str, list[CampaignLabel]] = {}
    for label in labels:
        questions.setdefault(label.question, []).append(label)
    same = max(questions.values(), key=lambda own: (sum(one.n_real for one in own), sum(one.n_answers for one in own)))
    real = [label for label in same if label.n_real]
    told = real or same
    if len(told) == 1 and (not real or not told[0].n_simulated):
        return told[0].pk
    return Pool(frozenset(label.campaign_id for label in told), is_simulated=not real)


def _group(units: Collection[int]) -> dict[Crops, list[CampaignLabel]]:
    rows = UnitLabel.objects.filter(unit__in=units, campaign__isnull=False).order_by("campaign_id", "pk")
    values = list(rows.values_list("unit_id", "source", "pk", "campaign_id", "n_answers", "n_simulated"))
    asking = HITType.objects.filter(campaign__in={row[3] for row in values}).order_by("-pk")
    questions = dict(asking.values_list("campaign_id", "template"))
    grouped: dict[Crops, list[CampaignLabel]] = {}
    for unit, source, pk, campaign, n_answers, n_simulated in values:
        label = CampaignLabel(pk, campaign, questions.get(campaign, ""), n_answers, n_simulated)
        grouped.setdefault((unit, source), []).append(label)
    return grouped


def _pool(pool: Pool, wanted: Collection[Crops], now: datetime) -> list[UnitLabel]:
    """One label for each of these units, from the answers of all campaigns of the pool."""
    campaigns = list(Campaign.objects.filter(pk__in=pool.campaign_ids).order_by("pk"))
    sources = dict(sorted(wanted))
    answers = _gather(campaigns, sources, is_simulated=pool.is_simulated)
    if not answers:
        return []
    vocabulary = gather_vocabulary(campaign=campaigns[0], others=campaigns[1:])
    labels = make_labels(answers, campaigns=campaigns, vocabulary=vocabulary, now=now)
    pooled = [label for label in labels if label.unit_id in sources]
    for label in pooled:
        label.source, label.is_of_record = sources[label.unit_id], True
    return pooled


def _gather(campaigns: Sequence[Campaign], sources: dict[int, str], *, is_simulated: bool) -> list[CountedAnswer]:
    """Answers about the pooled crops, and about units that one campaign alone asked about: these tell how reliable a
    worker is. By unit. A person who was asked about a unit twice counts once, with the first campaign's answer.
    """
    given: dict[int, list[CountedAnswer]] = {}
    campaigns_of: dict[int, set[int]] = {}
    heard: dict[tuple[int, str], int] = {}
    for campaign in campaigns:
        shown = find_sources(campaign)
        for answer in gather_answers(campaign=campaign):
            unit = answer.unit_id
            is_wanted = unit not in sources or shown.get(unit, "") == sources[unit]
            is_first = answer.worker is None or heard.setdefault((unit, answer.worker), campaign.pk) == campaign.pk
            if answer.is_simulated == is_simulated and is_wanted and is_first:
                given.setdefault(unit, []).append(answer)
                campaigns_of.setdefault(unit, set()).add(campaign.pk)
    kept = (own for unit, own in given.items() if unit in sources or len(campaigns_of[unit]) == 1)
    return [answer for own in kept for answer in own]
