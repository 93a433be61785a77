"""From people's words to concepts: the traps that published answers hold, and every step kept."""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.labels.concepts import Vocabulary, build_vocabulary, clean_label, normalize_description
from annotator.labels.lexicon import load_lexicon

LABELS = ("pool table", "cemetery-s", "windowpane", "polka-dotted", "red-c", "bus", "billiard-s", "waterfall-fan-s")


def make_vocabulary(descriptions: Sequence[str] = ()) -> Vocabulary:
    return build_vocabulary(descriptions=descriptions, labels=LABELS, lexicon=load_lexicon())


@pytest.mark.parametrize(
    ("said", "form", "head"),
    [
        ("Pool Table", "pool table", "pool table"),
        ("cementery", "cemetery", "cemetery"),
        ("billard table", "billiard table", "billiard table"),
        ("all images contain water", "water", "water"),
        ("Pictures of trees", "tree", "tree"),
        ("windows", "window", "window"),
        ("window pane", "window pane", "window pane"),
        ("bus", "bus", "bus"),
        ("buses", "bus", "bus"),
        ("glass", "glass", "glass"),
        ("human face(s)", "human face", "human face"),
        ("color green", "green", "green"),
        ("the color red", "red", "red"),
        ("Red Objects", "red", "red"),
        ("striped pattern", "striped", "striped"),
        ("the work surface", "work surface", "work surface"),
        ("black/white", "black and white", "black and white"),
        ("white and black", "black and white", "black and white"),
        ("black and white stripes", "stripe", "stripe"),
        ("Sofas/Couch/Chairs", "sofa", "sofa"),
        ("manmade, structure, travel", "structure", "structure"),
        ("yellow trains", "yellow train", "train"),
        ("tower against sky", "tower", "tower"),
        ("tree's", "tree", "tree"),
        ("there are some boats", "boat", "boat"),
        ("leaves", "leaf", "leaf"),
        ("", "", ""),
        ("?!", "", ""),
        ("(dog)", "dog", "dog"),
        ("[ dog ] ", "dog", "dog"),
        ("dog (brown)", "dog", "dog"),
        ("((dogs)", "dog", "dog"),
        ("dog/none", "dog", "dog"),
        ("hot dogs", "hot dog", "hot dog"),
        ("big computer mouse", "big computer mouse", "computer mouse"),
        ("İstanbul", "istanbul", "istanbul"),
    ],
)
def test_people_mean_what_they_mean(said: str, form: str, head: str) -> None:
    concept = normalize_description(said, vocabulary=make_vocabulary())
    assert (concept.form, concept.head) == (form, head)


@pytest.mark.parametrize(
    "word",
    [
        "पानी",
        "रानी",
        "कुत्ता",
        "หมู",
        "หมี",
        "น้ำ",
        "คำ",
        "ທຳ",
        "நாய்",
        "كَلْب",
        "كلب",
        "שָׁלוֹם",
        "বাড়ি",
        "ಮನೆ",
        "ခွေး",
        "собака",
        "ağaç",
        "犬",
        "café",
    ],
)
def test_words_of_any_script_stay_whole(word: str) -> None:
    concept = normalize_description(f" {word}!", vocabulary=make_vocabulary([word] * 3))
    assert concept.form == concept.head == word


def test_equal_words_written_in_two_ways_are_one_concept() -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    forms = {normalize_description(one, vocabulary=make_vocabulary()).form for one in (composed, decomposed)}
    assert forms == {composed}


def test_hindi_words_that_differ_by_a_mark_are_two() -> None:
    vocabulary = make_vocabulary(["पानी", "रानी", "बस", "बैस"])
    forms = {normalize_description(word, vocabulary=vocabulary).form for word in ("पानी", "रानी", "बस", "बैस")}
    assert len(forms) == 4


NOTHING = [
    "none", "None.", "N/A", "n / a", "NA", "nothing", "no pattern", "no clear pattern", "No common theme", "things",
    "thing", "different things", "various objects", "random stuff", "lots of things", "?", "???", "-", "...", "🙂",
    "( )",
    "idk", "I don't know", "dont know", "don’t know", "not sure", "no idea", "can't tell", "unknown", "everything",
    "unrelated objects", "several unrelated objects", "unidentified object", "100%", "24", "two things", "two items",
    "one thing", "eleven things", "a dozen objects", "3.5", "2 things", "1, 2", "hundreds of items", "both",
    "definitely", "unrecognizable", "a couple of things", "I don't really know", "not sure what this is exactly",
    "maybe", "probably", "I see", "like", "any", "hard to say", "not sure what it is",
    "all different", "good", "nice picture", "good images", "ok",
]  # fmt: skip


@pytest.mark.parametrize("said", NOTHING)
def test_empty_answers_are_no_concept(said: str) -> None:
    concept = normalize_description(said, vocabulary=make_vocabulary())
    assert (concept.form, concept.head) == ("", "")


NEGATED = [
    "not a dog", "no dogs", "No dog", "not dogs", "anything but cars", "everything except cars", "without people",
    "w/o people", "non-living things", "non dog", "none of these are dogs", "isn't a dog", "it is not a dog",
    "these are not dogs", "there are no dogs", "images without dogs", "pictures with no dogs", "no dogs or cats",
    "all images contain no dogs", "neither dogs nor cats", "other than dogs", "lack of color", "absence of sky",
    "doesn't show a dog", "anything except for the sky", "no dogs, cats, or birds", "not dog-like", "never a car",
    "probably not dogs", "nothing like dogs", "sans chien", "keine Hunde", "ohne Hunde", "sin perros", "не собаки",
    "不是狗", "没有狗",
]  # fmt: skip


@pytest.mark.parametrize("said", NEGATED)
def test_what_is_not_there_is_no_concept(said: str) -> None:
    concept = normalize_description(said, vocabulary=make_vocabulary())
    assert concept.form == "", concept.steps
    assert concept.steps


@pytest.mark.parametrize(
    ("said", "form"),
    [
        ("not a dog but a cat", "cat"),
        ("no dogs, just cats", "cat"),
        ("nothing but sky", "sky"),
        ("not only dogs", "dog"),
        ("sky without clouds", "sky"),
        ("room with no people", "room"),
        ("dog, not cat", "dog"),
        ("no parking sign", "no parking sign"),
        ("nonstick pan", "nonstick pan"),
        ("notebook", "notebook"),
        ("knot", "knot"),
        ("crops", "crop"),
        ("cans", "can"),
        ("things in blue", "blue"),
        ("yellow & blue items", "blue and yellow"),
        ("Items that are predominantly brown", "brown"),
        ("things without blue", ""),
        ("cool color", "cool"),
        ("hard surfaces", "hard"),
        ("all like dogs", "dog"),
        ("anything like dogs", "dog"),
        ("not sure, dogs", "dog"),
        ("not sure, maybe dogs", "dog"),
        ("dont know, dogs?", "dog"),
        ("no idea, cats", "cat"),
        ("no people only sky", "sky"),
        ("test pattern", "test pattern"),
        ("just dogs", "dog"),
        ("probably cats", "cat"),
        ("I think it's a cat", "cat"),
        ("cats, I guess", "cat"),
        ("not 100% sure, dogs", "dog"),
        ("not sure what this is, perhaps a wheel", "wheel"),
        ("I'm not sure what it is but it looks like a wheel", "wheel"),
        ("kind of like dogs", "dog"),
        ("appears to be a cat", "cat"),
        ("most likely cats", "cat"),
        ("sky only", "sky"),
        ("cats or something like that", "cat"),
        ("any dog", "dog"),
        ("a couple of dogs", "dog"),
        ("a couple", "couple"),
        ("bit of sky", "sky"),
        ("не собаки, а кошки", "кошки"),
        ("pas de deux", "pas de deux"),
        ("two dogs", "two dog"),
        ("3d shapes", "3d"),
        ("keine Hunde, sondern Katzen", "katzen"),
        ("sans serif", "sans serif"),
        ("dogs' heads", "dog head"),
        ("dog's head", "dog head"),
        ("'dogs' on grass", "dog"),
    ],
)
def test_what_is_said_beside_a_negation_stays(said: str, form: str) -> None:
    assert normalize_description(said, vocabulary=make_vocabulary()).form == form


@pytest.mark.parametrize(
    ("said", "core"),
    [("red and green", ""), ("black", ""), ("red and green lights", ""), ("yellow trains", "train")],
)
def test_colors_alone_have_no_core(said: str, core: str) -> None:
    assert normalize_description(said, vocabulary=make_vocabulary()).core == core


@pytest.mark.parametrize("said", ["ＤＯＧＳ", "𝐝𝐨𝐠𝐬", "ﾄﾞｯｸﾞ", "ﬂower", "ﻛﻠﺐ"])
def test_wide_bold_and_positional_letters_are_ordinary_ones(said: str) -> None:
    ordinary = unicodedata.normalize("NFKC", said)
    assert ordinary != said
    forms = {normalize_description(one, vocabulary=make_vocabulary()).form for one in (said, ordinary)}
    assert len(forms) == 1


def test_every_step_is_kept_with_its_rule() -> None:
    steps = normalize_description("All images contain cementery Walls", vocabulary=make_vocabulary()).steps
    assert [(step.rule, step.after) for step in steps] == [
        ("case and punctuation", "all images contain cementery walls"),
        ("spelling", "all images contain cemetery walls"),
        ("what is shown", "cemetery walls"),
        ("plural", "cemetery wall"),
        ("head noun", "wall"),
    ]
    assert all(before.after == after.before for before, after in pairwise(steps))


@pytest.mark.parametrize("word", ["plate", "point", "sport", "potted", "arched", "flowering", "setting", "cloudy"])
def test_right_words_are_not_corrected_into_frequent_neighbors(word: str) -> None:
    crowd = ["plane", "print", "spot", "pitted", "arches", "flooring", "seating", "clouds"] * 9
    assert normalize_description(word, vocabulary=make_vocabulary(crowd)).form.startswith(word[:4])
    assert not any(s.rule == "spelling" for s in normalize_description(word, vocabulary=make_vocabulary(crowd)).steps)


def test_the_campaigns_own_frequent_word_corrects_a_rare_one() -> None:
    vocabulary = make_vocabulary(["zeppelin"] * 3 + ["zepelin"])
    assert normalize_description("zepelin", vocabulary=vocabulary).form == "zeppelin"


def test_a_word_that_few_use_corrects_nothing() -> None:
    assert normalize_description("zepelin", vocabulary=make_vocabulary(["zeppelin", "zepelin"])).form == "zepelin"


def test_brodens_labels_become_words() -> None:
    cleaned = [clean_label(label) for label in ("dining_room-s", "red-c", "polka-dotted", "waterfall-fan-s")]
    assert cleaned == ["dining room", "red", "polka dotted", "waterfall fan"]


VOCABULARY = make_vocabulary()


@given(st.text(max_size=60))
def test_any_text_becomes_a_concept(text: str) -> None:
    concept = normalize_description(text, vocabulary=VOCABULARY)
    assert concept.form == " ".join(concept.form.split())
    assert bool(concept.form) == bool(concept.head)
    assert concept.form.endswith(concept.head)
