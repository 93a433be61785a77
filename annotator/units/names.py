"""Names of networks and image sets that are free."""

import re

from annotator.units.models import ImageSet, Network, NetworkAlias


def make_slug(words: str) -> str:
    """Lower-case letters, digits and hyphens; at most 60 characters."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:60] or "unnamed"


def find_free_name(kind: type[Network] | type[ImageSet], stem: str) -> str:
    """The stem, or the stem with the first number from 2 that no other has; names of merged networks are not free."""
    stem = stem[:74]
    taken = set(kind.objects.filter(name__startswith=stem).values_list("name", flat=True))
    if kind is Network:
        taken |= set(NetworkAlias.objects.filter(name__startswith=stem).values_list("name", flat=True))
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, 10_000))) if name not in taken)
