"""What a person is told before their first HIT of a campaign, and the version under which they agreed."""

import hashlib
import math
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext, ngettext

from annotator.crowd.hit_types.templates import HITTemplate
from annotator.crowd.models import Assignment, Campaign


@dataclass(frozen=True)
class Consent:
    version: str
    # (heading, text) in the order shown.
    points: tuple[tuple[str, str], ...]

    @property
    def paragraphs(self) -> list[str]:
        return [f"{heading}: {text}" for heading, text in self.points]


def write_consent(*, campaign: Campaign, template: HITTemplate) -> Consent:
    """The template's points with the campaign's particulars; the version is the digest of what was read."""
    minutes = math.ceil(int(campaign.quote.get("seconds_per_assignment") or template.expected_seconds) / 60)
    # In the reader's language: the version says what was read.
    particulars = {
        "requester": campaign.requester_name,
        "reward": f"${campaign.reward_usd:.2f}",
        "time": ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes),
        "approval_days": str(max(1, round(template.auto_approval_seconds / 86_400))),
        "contact": campaign.contact or gettext("Use the marketplace's link for writing to the requester"),
        "ethics": campaign.ethics_number or gettext("none stated by the requester"),
    }
    points = tuple((gettext(heading), gettext(text).format_map(particulars)) for heading, text in template.consent)
    return Consent(version=hashlib.sha256(repr(points).encode()).hexdigest()[:12], points=points)


def has_agreed(known: QuerySet[Assignment], *, campaign: Campaign, consent: Consent) -> bool:
    """True if the person with these assignments agreed to this version before, in this campaign."""
    return known.filter(hit__campaign=campaign, consent_version=consent.version).exists()
