"""People's categories beside Broden's: how many units have which pair."""

import altair as alt

from annotator.comparison.categories import BRODEN_CATEGORIES
from annotator.comparison.summary import Document
from annotator.figures.drawing import Figure
from annotator.figures.shares import SEMANTIC
from workers.engine.plurals import say_count

TITLE = "People's categories and those of labeled pixels"


def draw_category_confusion(report: Document) -> Figure:
    """Units by the crowd's category and Broden's; a pair without units is empty."""
    table = (report["agreement"] or {}).get("category_confusion", {})
    rows = [{"people": ours, "broden": b, "units": n} for ours, counts in table.items() for b, n in counts.items()]
    some = [row for row in rows if row["units"]]
    n_units, highest = sum(row["units"] for row in some), max((row["units"] for row in some), default=1)
    base = alt.Chart(alt.InlineData(values=some)).encode(
        x=alt.X("broden:N", sort=list(BRODEN_CATEGORIES), title="Category by pixels",
                scale=alt.Scale(domain=list(BRODEN_CATEGORIES)), axis=alt.Axis(labelAngle=0)),
        y=alt.Y("people:N", sort=SEMANTIC, title="people's category", scale=alt.Scale(domain=SEMANTIC)),
    )  # fmt: skip
    cells = base.mark_rect(cornerRadius=2).encode(
        color=alt.Color("units:Q", scale=alt.Scale(scheme="blues", domain=[0, highest]), legend=None)
    )
    numbers = base.mark_text().encode(
        text="units:Q",
        color=alt.condition(alt.datum.units > highest / 2, alt.value("#ffffff"), alt.value("#2b313a")),
    )
    chart = alt.layer(cells, numbers, height=alt.Step(22))
    spec = chart.to_dict() | {"title": {"text": TITLE, "subtitle": [f"n = {say_count(n_units, 'unit')}"]}}
    reading = f"Each cell counts the units, of n = {n_units}, with this pair of categories; an empty cell counts none."
    return Figure("category-confusion", TITLE, spec, rows, reading)
