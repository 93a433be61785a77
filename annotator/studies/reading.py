"""Reads a study and its counted answers from the database as a plain record."""

from collections.abc import Iterator
from decimal import Decimal

from annotator.crowd.campaigns.ratings import read_ratings
from annotator.crowd.marketplaces.prices import CENT, compute_hit_cost
from annotator.crowd.marketplaces.table import open_marketplace
from annotator.crowd.models import COUNTED, Assignment
from annotator.studies.models import ENDED, Study, StudyRound
from annotator.studies.plan import read_plan
from annotator.studies.planning import describe_asked
from annotator.studies.record import RecordedRating, StudyRecord
from annotator.units.models import Image


def read_study(study: Study) -> StudyRecord:
    rounds = list(study.rounds.select_related("campaign").order_by("number"))
    paths = dict(Image.objects.filter(image_set=study.dissection.image_set_id).values_list("pk", "path"))
    still = [one.number + 1 for one in rounds if one.campaign.state not in ENDED]
    return StudyRecord(
        name=study.name,
        planned_at=study.planned_at.isoformat(),
        sha256=study.sha256,
        plan=read_plan(study.plan),
        pairs=tuple(describe_asked(study)),
        ratings=tuple(rating for one in rounds for rating in _read_round(one, paths)),
        n_rounds_asked=len(rounds),
        spent_usd=str(sum((_sum_cost(one) for one in rounds), Decimal(0)).quantize(CENT)),
        image_set_sha256=study.dissection.image_set.sha256,
        open_round=still[-1] if still else 0,
    )


def _read_round(one: StudyRound, paths: dict[int, str]) -> Iterator[RecordedRating]:
    for rating in read_ratings(one.campaign):
        yield RecordedRating(
            pair=int(rating.key.split(".")[0]), image=paths[rating.image_id], rater=rating.worker,
            says_yes=rating.is_yes, gold=rating.gold, seconds=rating.seconds, is_simulated=rating.is_simulated,
            round=one.number,
        )  # fmt: skip


def _sum_cost(one: StudyRound) -> Decimal:
    """Rewards and fees of the answers that count."""
    campaign = one.campaign
    n = Assignment.objects.filter(hit__campaign=campaign, state__in=COUNTED, is_left_out=False).count()
    fees = open_marketplace(campaign.marketplace).facts.fees
    share = compute_hit_cost(reward_usd=campaign.reward_usd, n_assignments=campaign.n_assignments, fees=fees)
    return n * share / campaign.n_assignments
