"""A report as papers and notebooks take it in: LaTeX, Markdown and Parquet, from the document alone."""

import html
import re
from collections.abc import Sequence
from pathlib import Path

from annotator.comparison.summary import Document
from annotator.comparison.tables import list_agreement_rows, list_columns, list_unit_rows
from workers.engine.plurals import say_count

_SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def print_latex(document: Document) -> str:
    """Two tables that may be longer than a page; they need the packages booktabs and longtable."""
    tables = [_latex_table(list_unit_rows(document), caption=_describe(document))]
    if rows := list_agreement_rows(document):
        tables.append(_latex_table(rows, caption=f"People beside labeled pixels. {_describe(document)}"))
    return "\n".join(["% Needs the packages booktabs and longtable.", *tables])


def print_markdown(document: Document) -> str:
    parts = [f"{_escape_markdown(_describe(document))}\n", *_markdown_table(list_unit_rows(document))]
    if rows := list_agreement_rows(document):
        parts += ["", *_markdown_table(rows)]
    return "\n".join(parts)


def write_parquet(document: Document, path: Path) -> None:
    """The columns of the CSV, numbers as numbers; the file's metadata say what was measured. Whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns, rows = list_columns(document)
    arrays = {name: pa.array([_plain(row.get(name)) for row in rows]) for name in columns}
    table = pa.table(arrays).replace_schema_metadata({"unitscope": _describe(document)})
    fresh = path.with_name(f".{path.name}.new")
    try:
        pq.write_table(table, fresh)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _plain(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _describe(document: Document) -> str:
    """Which networks and layers, how many units, and who answered: simulated people are called so here, too."""
    networks = [f"{network['name']} ({network['weights']})" for network in document["networks"]]
    layers = [f"{layer['path']} ({say_count(layer['n_units'], 'unit')})" for layer in document["layers"]]
    answered = f" Answers by {document['answers_by']}." if document.get("answers_by") else ""
    of = f" of {', '.join(networks)}" if networks else ""
    return f"Units of {', '.join(layers)}{of}.{answered}"


def _latex_table(rows: Sequence[Sequence[str]], *, caption: str) -> str:
    head, *body = (" & ".join(map(_escape_latex, row)) + r" \\" for row in rows)
    kinds = "l" * len(rows[0])
    start = [rf"\begin{{longtable}}{{{kinds}}}", rf"\caption{{{_escape_latex(caption)}}} \\", r"\toprule"]
    return "\n".join([*start, head, r"\midrule", r"\endhead", *body, r"\bottomrule", r"\end{longtable}"])


def _escape_latex(text: str) -> str:
    escaped = re.sub(r"[\\~^<>]|[&%$#_{}]", lambda sign: _SIGNS.get(sign.group(), f"\\{sign.group()}"), text)
    # At the start of a line of a table a bracket would be read as an option.
    return f"{{}}{escaped}" if escaped.startswith("[") else escaped


def _markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = (f"| {' | '.join(map(_escape_markdown, row))} |" for row in rows)
    return [head, f"|{' --- |' * len(rows[0])}", *body]


def _escape_markdown(text: str) -> str:
    return re.sub(r"([\\`*_|\[\]])", r"\\\1", html.escape(" ".join(text.split()), quote=False))
