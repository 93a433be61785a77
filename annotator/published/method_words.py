"""The methods of a report in words: what was measured, on what, whom it was asked of, and what was left out."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Sum

from annotator.crowd.campaigns.quoting import measure_campaign
from annotator.crowd.hit_types.templates import load_template
from annotator.crowd.judging.excluding import list_set_aside
from annotator.crowd.models import ANSWERED, Assignment, Campaign
from annotator.labels.labeling import open_lexicon
from annotator.labels.reliability import SEED as BOOTSTRAP_SEED
from annotator.units.models import Dissection, Network
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE
from workers.engine.plurals import say_count

Paragraph = tuple[str, str]


def describe_campaign_methods(campaign: Campaign) -> list[Paragraph]:
    """(heading, sentences) about the dissections whose units were asked about, the people, and the words."""
    dissections = Dissection.objects.filter(dissected_units__hit_units__hit__campaign=campaign).distinct()
    return [
        *describe_dissection_methods(dissections.select_related("network", "image_set")),
        ("People", _tell_people(campaign)),
        ("Set aside", _tell_set_aside(campaign)),
        ("Words and seeds", _tell_words(campaign)),
    ]


def describe_dissection_methods(dissections: Iterable[Dissection]) -> list[Paragraph]:
    told: list[Paragraph] = []
    for row in dissections:
        told += [("Network", _tell_network(row.network)), ("Images and measures", _tell_measures(row))]
    return told


def _tell_network(network: Network) -> str:
    digest = f", SHA-256 of the tensors {network.weights_sha256}" if network.weights_sha256 else ""
    source = f" SHA-256 of its code {network.source_sha256}." if network.source_sha256 else ""
    how = network.preprocessing
    preprocessing = f"as stated: {_join(how)}" if how else "what the architecture states"
    which = f"{network} ({network.describe()['architecture']}), {network.weights_words}{digest}.{source}"
    return f"{which} Preprocessing: {preprocessing}."


def _tell_measures(row: Dissection) -> str:
    images = row.image_set
    digest = f", SHA-256 {images.content_sha256 or images.sha256}" if images.content_sha256 or images.sha256 else ""
    kind = "images rendered by a program" if images.is_rendered else "images"
    left_out = f" {say_count(row.n_quarantined, 'image')} could not be read." if row.n_quarantined else ""
    return (
        f"{say_count(row.n_images, 'image')} of the set {images.name} ({kind}{digest}).{left_out} "
        f"Layers: {', '.join(row.layer_paths)}. Options: {_join(row.options) or 'not recorded'}. "
        f"A unit is a detector if its IoU is over {DETECTOR_ABOVE}."
    )


def _tell_people(campaign: Campaign) -> str:
    answers = Assignment.objects.filter(hit__campaign=campaign, state__in=ANSWERED)
    counts = answers.aggregate(n=Count("id"), n_people=Count("worker", distinct=True))
    programs = answers.filter(worker__is_simulated=True).aggregate(n=Count("worker", distinct=True))["n"]
    simulated = f", {programs} of them simulated" if programs else ""
    who = f"{say_count(counts['n'], 'answer')} of {say_count(counts['n_people'], 'person')}{simulated}"
    # A published file tells no more; a bundle's answers are told as they were where they were given.
    hit_type = campaign.hit_types.first()
    if hit_type is None or answers.filter(imported_position__isnull=False).exists():
        return f"{who}, imported from a file."
    template = load_template(hit_type.template)
    crops = f"{say_count(template.n_top, 'top crop')} and {say_count(template.n_planted, 'planted negative')}"
    shown = f", {crops} each" if template.n_top else ""
    return (
        f"{who}, at the marketplace {campaign.marketplace}, {campaign.n_assignments} per HIT. "
        f"HIT type: {template.name}{shown}. {_tell_pay(campaign, answers.aggregate(sum=Sum('active_seconds'))['sum'])}"
    )


def _tell_pay(campaign: Campaign, seconds: float | None) -> str:
    measured = measure_campaign(campaign) if seconds else None
    time = f"; median active time of people {measured} s" if measured else ""
    return f"Reward ${campaign.reward_usd:.2f} per answer{time}."


def _tell_set_aside(campaign: Campaign) -> str:
    rows = list_set_aside(campaign)
    left_out = [row for row in rows if not row.is_counted]
    if not left_out:
        return "No answer was set aside."
    reasons = sorted({row.reason for row in left_out})
    n_people = len({row.worker for row in left_out})
    counted = f"{say_count(len(left_out), 'answer')} of {say_count(n_people, 'person')}"
    return f"{counted}, paid all the same. Reasons: {' '.join(reasons)}"


def _tell_words(campaign: Campaign) -> str:
    lexicon = open_lexicon()
    return (
        f"Words are compared by {lexicon.description} (SHA-256 {lexicon.sha256}). A unit counts as interpretable "
        f"if its precision is over {INTERPRETABLE_ABOVE}. Seed of the campaign {campaign.seed}, "
        f"of intervals {BOOTSTRAP_SEED}."
    )


def _join(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {_tell_value(value)}" for name, value in values.items() if value not in (None, "", []))


def _tell_value(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
