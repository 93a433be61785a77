"""What the code cites exists: sections and papers of docs/measures.md; every option is documented there."""

import re
from pathlib import Path

from workers.engine.measures.options import list_declared

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "measures.md").read_text()


def find_titles(page: str) -> set[str]:
    return set(re.findall(r"^## (.+)$", (ROOT / "docs" / f"{page}.md").read_text(), re.MULTILINE))


TITLES = find_titles("measures")
KEYS = set(re.findall(r"^- \*\*\[([A-Z]+\d\d)\]\*\*", PAGE, re.MULTILINE))
SOURCES = [
    path
    for folder in ("annotator", "workers", "hit_templates", "tests", "benchmarks", "docs")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".py", ".md", ".html", ".toml")
]


def find_all(pattern: str) -> dict[str, set[str]]:
    """By what the pattern captures, the files that hold it."""
    found: dict[str, set[str]] = {}
    for path in SOURCES:
        text = re.sub(r"\s+(?:# )?", " ", path.read_text())
        for captured in re.findall(pattern, text):
            found.setdefault(captured, set()).add(str(path.relative_to(ROOT)))
    return found


def test_every_paper_that_is_cited_is_in_the_bibliography() -> None:
    cited = find_all(r"\[([A-Z]{1,8}\d\d)\]")
    assert {key: files for key, files in cited.items() if key not in KEYS} == {}


def test_every_section_that_is_cited_is_there() -> None:
    for page, titles, n_cited in (("measures", TITLES, 10), ("evidence", find_titles("evidence"), 3)):
        cited = find_all(rf"docs/{page}\.md, ([A-Z][A-Za-z ]+)")
        assert len(cited) > n_cited
        assert {title: files for title, files in cited.items() if title.strip() not in titles} == {}


def test_no_page_is_cited_that_is_not_in_the_repository() -> None:
    named = find_all(r"\b((?:docs/)?[a-z_]+\.md)\b")
    known = {path.name for path in (*ROOT.glob("*.md"), *ROOT.glob("*/*.md"))} | {"data_card.md"}
    assert {name: files for name, files in named.items() if Path(name).name not in known} == {}


def test_every_option_has_its_line() -> None:
    for name, stated in list_declared().items():
        assert f"`{name}`" in PAGE
        assert f"`{stated.flag or '--' + name.replace('_', '-')}`" in PAGE
