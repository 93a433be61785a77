"""Of the characters of a description, those that count: letters with their marks, digits, and what separates words."""

import re
import unicodedata
from itertools import pairwise

from annotator.labels.lexicon import Lexicon

# Commas and semicolons of other scripts.
_COMMAS = str.maketrans({"،": ",", "、": ",", "，": ",", "؛": ";", "·": " ", "’": "'", "‘": "'", "＇": "'"})
_SEPARATORS = frozenset(",;/&+|-")
# Owners in the plural; what is in quotation marks is none.
_OWNERS = re.compile(r"(?<![\w'‘’＇])(\w+s)['’＇](?=\s+\w)")


def clean_text(text: str, lexicon: Lexicon) -> str:
    """Lower case; of each character what is part of a word or separates two. Owners stand in the singular.

    A mark that combines with a letter is part of the word, as in Hindi, Thai, Tamil, Arabic and Hebrew.
    """
    text = _single_owners(text, lexicon)
    plain = unicodedata.normalize("NFC", "".join(map(_fold_form, text.replace("İ", "i")))).translate(_COMMAS).lower()
    plain = re.sub(r"\bw/o\b", "without", re.sub(r"\bn\s?/\s?a\b", "na", plain))
    kept = "".join(map(_keep_character, re.sub(r"'s?\b", "", plain)))
    return " ".join(_drop_loose_marks(kept).replace("-", " ").split())


def _fold_form(character: str) -> str:
    """Wide, bold and positional forms and Latin ligatures as ordinary letters.

    Other compatibility forms stay: those of Thai and Lao would take letters apart.
    """
    form = unicodedata.decomposition(character)
    is_folded = form.startswith("<") and (not form.startswith("<compat>") or "ﬀ" <= character <= "ﬆ")
    return unicodedata.normalize("NFKC", character) if is_folded else character


def _keep_character(character: str) -> str:
    if character.isspace() or character in _SEPARATORS or character.isalnum():
        return character
    category = unicodedata.category(character)
    # Invisible joiners stand within words.
    return character if category[0] == "M" else "" if category == "Cf" else " "


def _drop_loose_marks(text: str) -> str:
    """A mark without a letter before it is none of a word."""
    return "".join(
        character
        for before, character in pairwise(f" {text}")
        if unicodedata.category(character)[0] != "M" or before.isalnum() or unicodedata.category(before)[0] == "M"
    )


def _single_owners(text: str, lexicon: Lexicon) -> str:
    """ "dogs' heads" as "dog heads", like "dog's heads"."""
    return _OWNERS.sub(lambda found: lexicon.singular(found[1].lower()), text)
