"""Descriptions that name nothing: empty answers ("none", "?", "different things") and negations ("not a dog").

A negation says what is not there. What follows "but" or "just" is said all the same: "not a dog but a cat".
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A description of these words alone says nothing.
EMPTY_WORDS = _words(
    "a all am an and any anything appear appears are asdf assorted be both cannot cant certainly clear clearly "
    "common commonality definitely different do does dont dozen dunno each eight eleven else etc etcetera every "
    "everything examples explain few find five for four generally guess have hundred hundreds i id idea idk image "
    "images in indistinct is it item items its just kind kinda kinds know known like likely look looks lot lots "
    "mainly make many maybe me misc miscellaneous mixed most mostly n na nada nil nine no none nope not nothing "
    "null object objects obviously of one or other others out perhaps photo photos possible possibly probably "
    "random randomly really related same say see seem seems seven several similar six some something sort sorta "
    "sorts specific stuff sure tell ten test that the them there these they thing things think this those three "
    "to too twelve two unclear undefined undetermined unidentifiable unidentified unknown unrecognisable "
    "unrecognizable unrelated unsure usually varied various very what whatever which yes"
)
# With nothing else but empty words and "picture", these praise instead of naming.
PRAISE = _words("awesome beautiful cool fine good great nice ok okay pretty super")
_PICTURES = _words("picture pictures photograph photographs")

_BEFORE = (
    r"^(?:(?:it|its|this|that|these|those|they|there|theres|is|are|was|were|be|i|we|you|one|sees?|seen|definitely"
    r"|clearly|probably|certainly|mostly|mainly|absolutely|almost|images?|pictures?|photos?|photographs?|crops?|tiles?"
    r"|all|any|of|the|with|which|show(?:s|ing)?|contain(?:s|ing)?|has|have|having|include[sd]?|do|does|did|can|could"
    r"|would)\s+)*"
)
_EXCEPT = r"(?:but|except(?:ing)?(?: for)?|other than|besides|apart from|aside from)"
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
    r"(?:[,;]|\bbut\b|(?=\b(?:just|only|instead)\b))\s*(?:but |also )?"
    r"(?:(?:just|only|rather|instead|mostly|mainly|its|it is|they are|more like)\s+)?"
)
_SAYS_SO = re.compile(r"\bbut\b|\b(?:just|only|rather|instead|mostly|mainly|its|it is|they are|more like)\b")
# Said before or after what is seen, these say how sure somebody is: "not sure, maybe dogs", "I think it is a cat".
_UNSURE = re.compile(
    r"^(?:i ?m |i am |i )?(?:not (?:(?:really|very|quite|so|too|entirely|completely|totally|\d+) )*(?:sure|certain)"
    r"|unsure|dont (?:really )?know|do not (?:really )?know|dunno|idk|(?:have )?no (?:idea|clue)|cant (?:tell|say)"
    r"|cannot (?:tell|say)|(?:hard|difficult|impossible) to \w+)\b(?: (?:about|if|whether|of|what|exactly))*"
    r"(?: (?:this|that|it|these|those|they) (?:is|are|was|were|could be|might be|shows?))?(?: exactly)?[\s,;]*"
)
_SURENESS = r"(?:(?:most|very|quite) )?(?:maybe|probably|possibly|perhaps|likely|definitely|certainly|obviously)"
_THINKS = r"(?:i|we) (?:think|guess|believe|suppose|assume)"
_HEDGES = re.compile(
    rf"^(?:(?:but|just|only|generally|usually|mostly|mainly|kinda|sorta|{_SURENESS}|i (?:can )?see"
    rf"|{_THINKS}(?: that)?(?: (?:it|its|it is|they|they are|this is|these are))?"
    r"|(?:could|might|may|must|appears?|seems?)(?: to)? be|(?:appears?|seems?) to show"
    r"|(?:(?:all|anything|everything|something|things?|they|these|this|it|its|it is|kind of|sort of) )?"
    r"(?:(?:is|are|looks?|seems?) )?like)"
    r"[\s,;]+)+(?=\w)"
)
_HEDGES_AFTER = re.compile(
    rf"(?<=\w)(?:[\s,;]+(?:{_SURENESS}|{_THINKS}|only|mostly|mainly|to me|for sure|etc(?:etera)?|or so|and so on"
    r"|(?:or|and) (?:something|some|similar|the like|such|stuff|so)(?: (?:like|similar)(?: (?:to )?that)?)?))+$"
)
# Of other languages, the commonest words that deny what follows, and what says what is there instead.
_OTHER_NEGATION = re.compile(
    r"^(?:(?:sans(?! serif)|pas (?:de(?! deux)|des|un|une)|aucune?|keine?[nmrs]?|nicht|ohne|sin|ning[uú]na?|senza"
    r"|sem|zonder|geen|ikke|inte|nie|bez|не|нет|без)\s+|不是|没有|沒有).+?"
    r"(?:(?:[,;]?\s+(?:sondern|mais|sino|а|но)\s+|,?\s*而是)(?P<instead>.+))?$"
)
# What is on the sign is named: "no parking sign".
_SIGN = re.compile(r"^no(?: \w+){1,3} signs?$")


_WORD = re.compile(r"[^\s,;/&+|]+")


def drop_negated(text: str) -> str:
    """Without what is negated; "" if that is everything. `text`: lower case, without apostrophes and hyphens."""
    if only := _ONLY.match(text):
        return drop_negated(text[only.end() :])
    if other := _OTHER_NEGATION.match(text):
        return other["instead"] or ""
    negated = _NEGATION.match(text)
    if negated is None or _SIGN.match(text):
        return text
    for however in _HOWEVER.finditer(text, negated.end()):
        if _SAYS_SO.search(however.group()):
            return drop_negated(text[however.end() :])
    return ""


def drop_hedges(text: str) -> str:
    """Without what says how sure somebody is; "" if that is everything."""
    sure = _UNSURE.sub("", text)
    return _HEDGES_AFTER.sub("", _HEDGES.sub("", sure))


def says_nothing(text: str) -> bool:
    """True if there is no letter, or if no word names anything."""
    words = _WORD.findall(text)
    if any(word in PRAISE for word in words):
        return all(word in EMPTY_WORDS | PRAISE | _PICTURES for word in words)
    return names_no_thing(text)


def names_no_thing(text: str) -> bool:
    """The same without regard to praise: "cool", of "cool colors", says how."""
    return all(word in EMPTY_WORDS or not any(map(str.isalpha, word)) for word in _WORD.findall(text))
