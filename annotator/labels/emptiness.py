"""Descriptions that name nothing: empty answers ("none", "?", "different things") and negations ("not a dog").

A negation says what is not there. What follows "but" or "just" is said all the same: "not a dog but a cat".
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A description of these words alone says nothing.
EMPTY_WORDS = _words(
    "a all am an and any anything are asdf be cannot cant clear clearly common commonality different do "
    "does dont dunno everything examples explain find for guess hard have i id idea idk image images in is it item "
    "items its just kind kinds know known lot lots make many maybe me misc miscellaneous mixed n na nada nil no none "
    "nope not nothing null object objects of or other others out photo photos possible random really same say see "
    "seem seems several similar some something sort sorts specific stuff sure tell test that the them there these "
    "they thing things this those to too unclear unidentifiable unknown unsure various varied very what whatever yes"
)
# With nothing else but empty words and "picture", these praise instead of naming.
PRAISE = _words("awesome beautiful cool fine good great nice ok okay pretty super")
_PICTURES = _words("picture pictures photograph photographs")

_BEFORE = (
    r"^(?:(?:it|its|this|that|these|those|they|there|theres|is|are|was|were|be|i|we|you|one|sees?|seen|definitely|clearly"
    r"|probably|certainly|mostly|mainly|absolutely|almost|images?|pictures?|photos?|photographs?|crops?|tiles?|all|any|of"
    r"|the|with|which|show(?:s|ing)?|contain(?:s|ing)?|has|have|having|include[sd]?|do|does|did|can|could|would)\s+)*"
)
_EXCEPT = r"(?:but|except(?:ing)?(?: for)?|other than|besides|apart from|aside from|like)"
_NEGATION = re.compile(
    _BEFORE + r"(?:not|no|non|none of|neither|never|without|isnt|arent|wasnt|werent|doesnt|dont|didnt|cannot|cant"
    r"|couldnt|lack(?:s|ing)?(?: of)?|absence of|excluding|except(?: for)?|nothing like|other than|apart from"
    rf"|aside from|far from|opposite of|free of|(?:any|every)(?:thing|one|body|where)? {_EXCEPT}|all {_EXCEPT}"
    r"|something other than)\b\s*"
)
# "nothing but sky", "not only dogs": these say what is there.
_ONLY = re.compile(
    _BEFORE + r"(?:nothing (?:else )?(?:but|except(?: for)?|other than|besides|apart from|aside from)"
    r"|not (?:only|just)|no (?:doubt|question))\s+"
)
_HOWEVER = re.compile(
    r"(?:[,;]|\bbut\b)\s*(?:but |also )?(?:(?:just|only|rather|instead|mostly|mainly|its|it is|they are|more like)\s+)?"
)
_SAYS_SO = re.compile(r"\bbut\b|\b(?:just|only|rather|instead|mostly|mainly|its|it is|they are|more like)\b")
# What is on the sign is named: "no parking sign".
_SIGN = re.compile(r"^no(?: \w+){1,3} signs?$")


_WORD = re.compile(r"[^\s,;/&+|]+")


def drop_negated(text: str) -> str:
    """Without what is negated; "" if that is everything. `text`: lower case, without apostrophes and hyphens."""
    if only := _ONLY.match(text):
        return drop_negated(text[only.end() :])
    negated = _NEGATION.match(text)
    if negated is None or _SIGN.match(text):
        return text
    for however in _HOWEVER.finditer(text, negated.end()):
        if _SAYS_SO.search(however.group()):
            return drop_negated(text[however.end() :])
    return ""


def says_nothing(text: str) -> bool:
    """True if there is no letter or digit, or if no word names anything."""
    words = _WORD.findall(text)
    if any(word in PRAISE for word in words):
        return all(word in EMPTY_WORDS | PRAISE | _PICTURES for word in words)
    return names_no_thing(text)


def names_no_thing(text: str) -> bool:
    """The same without regard to praise: "cool", of "cool colors", says how."""
    return all(word in EMPTY_WORDS for word in _WORD.findall(text))
