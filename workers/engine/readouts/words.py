"""The words of questions and captions, in any script. docs/readouts.md, Words."""

import re
import unicodedata

_FORMS = str.maketrans({"İ": "i", "\u200b": " "})
_APOSTROPHE = re.compile(r"(?<=\w)’(?=\w)")


def split_words(text: str) -> list[str]:
    """Words in small letters and in NFC; punctuation counts for nothing.

    A mark that combines with a letter is part of the word, as in Hindi, Thai and Arabic. Characters that are not seen
    and join letters are left out; the space of no width separates words.
    """
    whole = unicodedata.normalize("NFC", text)
    # A small letter may be one with its mark where the capital one is not, as in J\u030c.
    plain = unicodedata.normalize("NFC", _APOSTROPHE.sub("'", whole.translate(_FORMS)).lower())
    kinds = {one: unicodedata.category(one) for one in set(plain)}
    plain = plain.translate({ord(one): None for one, kind in kinds.items() if kind == "Cf"})
    marks = "".join(sorted(one for one, kind in kinds.items() if kind[0] == "M"))
    # A mark without a letter before it, as behind an emoji, is none of a word.
    return re.findall(rf"[\w'-][\w'{marks}-]*", plain)
