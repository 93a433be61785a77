"""What a person is told before their first HIT of a campaign, and the version under which they agreed."""

import hashlib
from dataclasses import dataclass

from annotator.crowd.models import Campaign
from annotator.crowd.rendering import HITTemplate


@dataclass(frozen=True)
class Consent:
    version: str
    paragraphs: tuple[str, ...]


def write_consent(*, campaign: Campaign, template: HITTemplate) -> Consent:
    """The template's paragraphs with the campaign's particulars; the version is the digest of what was read."""
    particulars = {
        "requester": campaign.requester_name,
        "reward": f"${campaign.reward_usd:.2f}",
        "minutes": str(max(1, round(template.expected_seconds / 60))),
        "approval_days": str(max(1, round(template.auto_approval_seconds / 86_400))),
        "contact": campaign.contact or "the marketplace's link for contacting the requester",
        "ethics": campaign.ethics_number or "none stated by the requester",
    }
    paragraphs = tuple(paragraph.format_map(particulars) for paragraph in template.consent)
    return Consent(version=hashlib.sha256("\n".join(paragraphs).encode()).hexdigest()[:12], paragraphs=paragraphs)
