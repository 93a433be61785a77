"""The suspicions against the answers of a campaign, cached. They inform a reviewer and decide nothing."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from annotator.crowd.judging.excluding import find_campaign_suspicions
from annotator.crowd.judging.suspicions import Flag
from annotator.crowd.models import Campaign
from annotator.dashboard.campaigns.counts import read_campaign_counts

# Each answer is judged against all others of the campaign. With more answers, a page would take too long.
MAX_ANSWERS = 20_000


def read_flags(campaign: Campaign) -> Mapping[int, Sequence[Flag]] | None:
    """By answer. None if the campaign has too many answers to judge during a request."""
    counts = read_campaign_counts([campaign.pk])[campaign.pk]
    return _gather(campaign.pk, counts.n_answers) if counts.n_answers <= MAX_ANSWERS else None


@lru_cache(maxsize=8)
def _gather(campaign_id: int, n_answers: int) -> Mapping[int, Sequence[Flag]]:
    return find_campaign_suspicions(Campaign.objects.get(pk=campaign_id)).flags
