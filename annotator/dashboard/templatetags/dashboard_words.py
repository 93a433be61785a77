"""How the dashboard writes names and states. What all templates share is in annotator/written.py."""

from django import template

from annotator.accounts.sharing import DEFAULT_LIFE, MAX_LIFE
from annotator.crowd.marketplaces.table import MARKETPLACES, open_marketplace
from annotator.program import name_command
from annotator.work.table import STEPS

register = template.Library()
register.simple_tag(name_command, name="command")
register.simple_tag(lambda: {"usual": DEFAULT_LIFE.days, "most": MAX_LIFE.days}, name="share_days")

# Of states, and of the relation between what people and labeled pixels say.
WORDS_BY_TONE = {
    "us-is-good": ("done", "complete", "approved", "closed", "equal", "synonym", "fitted", "answered"),
    "us-is-bad": ("failed", "lost", "refused", "rejected", "needs_human"),
    "us-is-info": (
        "running",
        "ingesting",
        "published",
        "collecting",
        "submitted",
        "hypernym",
        "hyponym",
        "part",
        "fitting",
        "asked",
    ),
    "us-is-warn": ("quoted", "waiting", "requested", "canceled", "different"),
}
TONES = {word: tone for tone, words in WORDS_BY_TONE.items() for word in words}
# Of a dissection's stages and its environment. Threads read images during the pass.
STAGE_WORDS = {
    "decode": "Reading images (during the pass)",
    "labels": "Reading label maps (during the pass)",
    "measure": "Adding up values (part of the pass)",
    "pass": "Pass: the network over all images",
    "label": "IoU with every label",
    "occlude": "Empirical receptive fields",
    "tiles": "Cutting crops",
    "numpy": "NumPy",
    "torch": "PyTorch",
    "halvings": "Batches halved for lack of memory",
}


@register.filter
def stage_words(stage: str) -> str:
    return STAGE_WORDS.get(stage, name_words(stage))


@register.filter
def name_words(name: str) -> str:
    """A stored name as words: n_hits, total_usd."""
    return name.removeprefix("n_").replace("_usd", "_USD").replace("_", " ")


@register.filter
def as_width(share: float | None) -> str:
    """A share of 1 as a CSS length."""
    return f"{100 * min(1.0, max(0.0, share or 0.0)):.2f}%"


@register.filter
def tone(word: str) -> str:
    return TONES.get(word, "")


@register.filter
def marketplace_tone(name: str) -> str:
    return f"us-is-{open_marketplace(name).facts.tone}" if name in MARKETPLACES else "us-is-bad"


@register.filter
def marketplace_words(name: str) -> str:
    return open_marketplace(name).facts.title if name in MARKETPLACES else name


@register.filter
def unlocalized(number: float) -> str:
    """A number as SVG reads it."""
    return f"{number:.2f}"


@register.filter
def reason_words(reason: object) -> str:
    """A stored reason (JSON) as a line of words."""
    if isinstance(reason, dict):
        return "; ".join(
            f"{name_words(str(name))}: {reason_words(value).rstrip('.')}" for name, value in reason.items()
        )
    if isinstance(reason, list):
        return ", ".join(reason_words(one) for one in reason)
    if isinstance(reason, bool):
        return "yes" if reason else "no"
    return f"{reason:.3g}" if isinstance(reason, float) else str(reason)


@register.filter
def share_of(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None


@register.filter
def words(line: str) -> list[str]:
    """A line's words, to loop over in a template."""
    return line.split()


@register.filter
def step_title(name: str) -> str:
    """Of a job; one that an older version asked for may be of a step that is gone."""
    return STEPS[name].title if name in STEPS else name
