"""One page of a long list, with how many pages there are, by one query."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Func, QuerySet, Subquery

from annotator.dashboard.frame.numbers import read_number


def read_page(rows: "QuerySet[Any]", *, number: str | None, size: int) -> "Page[Any]":
    """The rows of the page of this number, counted from 1; a number of no page leads to the first or last one.

    `rows` has no aggregates beside it: their groups cannot be counted so.
    """
    paginator = Paginator(rows, size)
    wanted = read_number(number or "") or 0
    if number is None or wanted:
        first = (max(1, wanted) - 1) * size
        # Counted apart from what is joined to the rows and from their order, which an index may give.
        n_in_all = rows.order_by().annotate(n=Func(F("pk"), function="COUNT")).values("n")
        found = list(rows.annotate(n_in_all=Subquery(n_in_all))[first : first + size])
        if found:
            paginator.count = found[0].n_in_all
            return Page(found, first // size + 1, paginator)
    return paginator.get_page(number)
