"""What others published, to stand beside one's own figures (published_figures.toml)."""

import tomllib
from pathlib import Path
from typing import Any

TABLES = Path(__file__).with_name("published_figures.toml")
CLASSIFICATION, LOCALIZATION = "classification", "localization"


def read_published(table: str) -> dict[str, Any]:
    """`title`, `columns` and `rows` by name, values in percent."""
    found: dict[str, Any] = tomllib.loads(TABLES.read_text(encoding="utf-8"))[table]
    return found


def tell_published(table: str) -> list[str]:
    """Lines for a report."""
    found = read_published(table)
    rows = [f"  {' / '.join(f'{value:.1f}' for value in row)}  {name}" for name, row in found["rows"].items()]
    return [f"Published, not measured here, in percent ({', '.join(found['columns'])}). {found['title']}:", *rows]
