"""A number and what it counts are written by `say_count`, and by `count` in templates: "1 unit", never "1 units"."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
# What the project counts, as a sentence names several.
NOUNS = """
    activations acts answers assignments bonuses bytes campaigns cells characters classes clusters columns convolutions
    crops days descriptions detectors differences dissections draws entries failures files groups HITs hours images
    labels latents layers letters links maps marks masks messages minutes negatives networks nouns numbers packages
    parameters payments people persons photographs phrases pictures pieces pixels positions probes processes questions
    raters ratings relations requesters requests rounds rows rules seconds sentences shards shufflings steps studies
    tasks tests threads times tokens tries units values views words workers
"""
# Where one of these stands between, the noun is not what is counted: "3 of its units".
BETWEEN = """
    a above among and are as at before below by for from has have holds in is of on or per stand than that to was were
    whose with
"""
ONE_NOUN = rf"(?:{'|'.join(NOUNS.split())})\b"
COUNTED = re.compile(rf"(?: (?!(?:{'|'.join(BETWEEN.split())})\b)[a-z]+(?<!s)){{0,2}} {ONE_NOUN}")
# Only what has such a place is parsed; a literal may go on in the next line.
PLACE = re.compile(rf"""\}}[\s"'f]*(?:[a-z]+[\s"'f]+){{0,2}}{ONE_NOUN}""")
SHOWN = re.compile(rf"\{{\{{ (?![^}}]*\|count:)[^}}]* \}}\}}(?:</?[a-z]+>)*{COUNTED.pattern}")
# What `{% plural %}` begins is said of several.
OF_SEVERAL = re.compile(r"\{% plural %\}.*?\{% endblocktranslate %\}", re.DOTALL)
EXCEPTIONS = {
    # No number: a kind of photographs, kinds of numbers, what a requester does with links, a module that draws.
    "{row.of} photographs",
    "{' and '.join(sorted(kinds))} values",
    "{act} links",
    "{_suspect(module, _is_random, 'something')} draws",
    # A shape: "9 x 1 x 1 values".
    "{spell_shape(given.shape[1:])} values",
    "{spell_shape(whole.given.shape[1:])} values",
    # With a decimal: "1.0 hours".
    "{quote.hours_of_work} hours",
    # One of them has its own sentence, without a number.
    "{n} tokens",
    # HIT types import neither `say_count` nor Django; they say how many they show, which is always more than one.
    "{n_yes + n_no} photographs",
    "{{ n }} crops",
}
# "1 x 1 cells" is a size.
SIZE = " x "


def list_counts(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            for before, value, after in zip([None, *node.values], node.values, node.values[1:], strict=False):
                if isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant):
                    is_size = isinstance(before, ast.Constant) and str(before.value).endswith(SIZE)
                    found = COUNTED.match(str(after.value))
                    if found and not is_size and not _is_right(value.value):
                        yield f"{{{ast.unparse(value.value)}}}{found[0]}"


def _is_right(value: ast.expr) -> bool:
    """True of a constant of the code, which is above 1, and of a count that is written already."""
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id == "say_count"
    name = value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    return name.isupper()


def list_shown(source: str) -> Iterator[str]:
    source = OF_SEVERAL.sub("", source)
    for found in SHOWN.finditer(source):
        if not source[: found.start()].endswith(SIZE):
            yield found[0]


def test_sentences_count_one_thing_as_one() -> None:
    found: set[str] = set()
    for folder in ("annotator", "workers", "hit_templates", "tools"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.suffix == ".html":
                found |= set(list_shown(path.read_text()))
            # Drills and benchmarks tell whoever develops this of hundreds.
            elif path.suffix == ".py" and "drills" not in path.parts and PLACE.search(source := path.read_text()):
                found |= set(list_counts(source))
    assert sorted(found) == sorted(EXCEPTIONS)


def test_what_is_forbidden_and_what_is_not() -> None:
    code = """
f"{n} units"; f"{len(rows):,} more answers were given"; f"{n_yes} of {n} known answers"; f"{one.n} simulated people"
f"{name} of units"; f"{say_count(n, 'class')} about images"; f"{MAX_LINKS} links"; f"1 x {n} cells"; f"{n} unitary"
"""
    assert list(list_counts(code)) == [
        "{n} units", "{len(rows)} more answers", "{n} known answers", "{one.n} simulated people",
    ]  # fmt: skip
    page = """
{{ n }} units {{ rows|length }} top crops <b>{{ n }}</b> people {{ n|count:"unit" }} images {{ n }} x {{ n }} cells
{% blocktranslate count n=n %}{{ n }} HIT{% plural %}{{ n }} HITs{% endblocktranslate %} {{ layer }} of units
"""
    assert list(list_shown(page)) == ["{{ n }} units", "{{ rows|length }} top crops", "{{ n }}</b> people"]
