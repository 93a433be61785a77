"""The talk's figures as Vega-Lite, from report documents: what a layer's units mean, by people and by Broden.

Each function returns a `Figure`; its rows are everything that is drawn, so that anyone can draw it again.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence

import altair as alt
from altair.utils import schemapi

from annotator.comparison.categories import BRODEN_CATEGORIES
from annotator.comparison.relations import Relation
from annotator.comparison.summary import Document
from annotator.crowd.categories import SemanticCategory
from annotator.figures.drawing import Figure, Rows, say_in_title
from annotator.labels.lexicon import Lexicon
from workers.engine.format.bounds import DETECTOR_ABOVE, INTERPRETABLE_ABOVE

# A chart is checked once, when it is whole; checking each of its parts as it is made doubles the time to draw it.
schemapi.disable_debug_mode()

Place = tuple[str, int]

SEMANTIC = [str(category) for category in SemanticCategory]
SEMANTIC_COLORS = ["#3f6fb5", "#3fa7a0", "#ef8a3c", "#e3bd3a", "#5aa452", "#a678b4"]
BRODEN_COLORS = ["#ef8a3c", "#e3bd3a", "#3f6fb5", "#7cc4bd", "#5aa452", "#a678b4"]
RELATIONS = [str(relation) for relation in Relation]
RELATION_COLORS = ["#2f8f5b", "#7cc18f", "#e3bd3a", "#ef8a3c", "#a678b4", "#a3aab5"]
N_EXAMPLES = 4
CROP_PX = 44
OTHER = "other objects"
# Group -> words whose kinds and synonyms belong there. The first group that fits is taken.
ROOTS: dict[str, tuple[str, ...]] = {
    "buildings": ("building", "roof", "skyline", "arch", "dome", "spire", "column", "window", "door", "bridge"),
    "people": ("person", "face", "head", "body part", "people", "crowd", "hair", "clothes"),
    "furniture": ("furniture", "seat", "cabinet", "shelf", "pool table", "work surface", "closet"),
    "lighting": ("light", "lighting", "chandelier"),
    "nature": (
        "nature", "landscape", "animal", "plant", "water", "sky", "cloud", "earth", "sand", "snow", "stone", "wood",
        "waterfall", "fruit",
    ),
    "scenes": ("room", "store", "city", "corridor", "stadium", "golf course", "playground"),
    "outdoor objects": (
        "vehicle", "wheel", "road", "sign", "fence", "athletic field", "track", "sidewalk", "train", "tent", "umbrella",
        "stairway", "railing", "windmill", "tower", "structure",
    ),
    "indoor objects": (
        "appliance", "container", "food", "fabric", "painting", "screen", "television", "book", "floor", "ceiling",
        "wall", "curtain", "musical instrument", "ball", "computer", "clock", "pillow", "sink", "text",
    ),
}  # fmt: skip
GROUPS = (*ROOTS, OTHER)


def draw_semantic_types(report: Document) -> Figure:
    """Share of each semantic category among a layer's answers, as published: stacked by layer."""
    rows = _list_shares(report)
    return Figure("semantic-types", "Semantic types by layer", _stack_shares(rows).to_dict(), rows)


def draw_networks_side_by_side(reports: Mapping[str, Document]) -> Figure:
    """The semantic types of several networks' layers, one panel a network."""
    rows = [
        {"network": network, **row, "answers_by": report.get("answers_by", "")}
        for network, report in reports.items()
        for row in _list_shares(report)
    ]
    titles = {name: say_in_title(name, answers_by=report.get("answers_by", "")) for name, report in reports.items()}
    panels = [
        _stack_shares(own).properties(
            title=titles[network] if own else f"{titles[network]}: no random sample of a layer"
        )
        for network in reports
        for own in [[row for row in rows if row["network"] == network]]
    ]
    chart = alt.hconcat(*panels).resolve_scale(y="shared")
    return Figure("networks", "Semantic types, networks side by side", chart.to_dict(), rows)


def _list_shares(report: Document) -> list[Document]:
    return [
        {"layer": layer["path"], "category": category, "share": share}
        for layer in report["layers"]
        for category, share in (layer["category_shares"] or {}).items()
    ]


def _stack_shares(rows: Rows) -> alt.Chart:
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    values = [{**row, "rank": SEMANTIC.index(row["category"])} for row in rows]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=values), width=alt.Step(64), height=280)
        .mark_bar(width=44)
        .encode(
            x=alt.X("layer:N", sort=layers, title=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("share:Q", title="share of answers", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            color=_color("category", SEMANTIC, SEMANTIC_COLORS, title="Semantic type"),
            order=alt.Order("rank:Q", sort="descending"),
            tooltip=["layer:N", "category:N", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    return chart


def draw_precision_by_layer(report: Document) -> Figure:
    """Each unit as a tick, the layer's mean as a point if there is one, and the bound for interpretable units."""
    rows = [
        {"layer": unit["layer"], "unit": unit["index"], "precision": unit["precision"]}
        for unit in report["units"]
        if unit["precision"] is not None
    ]
    layers = [layer["path"] for layer in report["layers"]]
    x = alt.X("layer:N", sort=layers, title=None, axis=alt.Axis(labelAngle=0))
    y = alt.Y("precision:Q", title="mean precision", scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(alt.InlineData(values=rows), width=alt.Step(72), height=280)
    ticks = base.mark_tick(opacity=0.35, color="#3f6fb5", width=36).encode(x=x, y=y)
    known = [
        {"layer": layer["path"], "precision": layer["mean_precision"]}
        for layer in report["layers"]
        if layer["mean_precision"] is not None
    ]
    points = alt.Chart(alt.InlineData(values=known)).mark_point(filled=True, size=90, color="#ef8a3c")
    means = points.encode(x=x, y=alt.Y("precision:Q"))
    bound = alt.Chart(alt.InlineData(values=[{"bound": INTERPRETABLE_ABOVE}])).mark_rule(
        strokeDash=[4, 4], color="#7c8594"
    )
    chart = alt.layer(ticks, means, bound.encode(y=alt.Y("bound:Q")))
    return Figure("precision-by-layer", "Precision by layer", chart.to_dict(), rows)


def draw_precision_against_iou(report: Document) -> Figure:
    """One point a unit, colored by how the two words relate."""
    keys = ("layer", "index", "concept", "broden_label", "precision", "iou", "relation")
    rows = [{key: u[key] for key in keys} for u in report["units"] if u["iou"] is not None and u["relation"]]
    chart = (
        alt.Chart(alt.InlineData(values=rows), width=420, height=300)
        .mark_circle(size=46, opacity=0.8)
        .encode(
            x=alt.X("iou:Q", title="IoU with Broden's best label"),
            y=alt.Y("precision:Q", title="mean precision by people", scale=alt.Scale(zero=False)),
            color=_color("relation", RELATIONS, RELATION_COLORS, title="People's word is"),
            tooltip=[f"{key}:N" for key in keys],
        )
    )
    return Figure("precision-against-iou", "Precision against IoU", chart.to_dict(), rows)


def draw_category_confusion(report: Document) -> Figure:
    """Units by the crowd's category and Broden's."""
    table = (report["agreement"] or {}).get("category_confusion", {})
    rows = [{"people": ours, "broden": b, "units": n} for ours, counts in table.items() for b, n in counts.items()]
    base = alt.Chart(alt.InlineData(values=rows), width=alt.Step(62), height=alt.Step(34)).encode(
        x=alt.X("broden:N", sort=list(BRODEN_CATEGORIES), title="Broden's category", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("people:N", sort=SEMANTIC, title="people's category"),
    )
    cells = base.mark_rect(cornerRadius=3).encode(
        color=alt.Color("units:Q", scale=alt.Scale(scheme="blues"), title="units")
    )
    highest = max((row["units"] for row in rows), default=0)
    numbers = base.mark_text(fontSize=12).encode(
        text="units:Q",
        color=alt.condition(alt.datum.units > highest / 2, alt.value("#ffffff"), alt.value("#2b313a")),
    )
    chart = alt.layer(cells, numbers)
    return Figure("category-confusion", "People's categories and Broden's", chart.to_dict(), rows)


def draw_object_detectors(
    report: Document, *, name: str, layer: str, lexicon: Lexicon, crops: Mapping[Place, bytes]
) -> Figure:
    """How many interpretable units of the layer people called each thing, by group, example crops under the bars.

    `crops` holds a JPEG of a unit's top crop; an imported campaign has none.
    """
    units = [
        unit
        for unit in report["units"]
        if unit["layer"] == layer
        and unit["concept"]
        and unit["category"] in ("object", "object part", "scene", "region or surface")
        and unit["precision"] > INTERPRETABLE_ABOVE
    ]
    rows = _count_concepts(units, lexicon)
    highest = max((row["units"] for row in rows), default=1)
    panels = [
        _draw_group(group, [row for row in rows if row["group"] == group], highest, crops)
        for group in GROUPS
        if any(row["group"] == group for row in rows)
    ]
    title = f"Object detectors of {layer}"
    chart = alt.concat(*panels, columns=2).resolve_scale(x="independent") if panels else _draw_nothing(title)
    listed = [{**row, "examples": " ".join(str(index) for index in row["examples"])} for row in rows]
    return Figure(name, title, chart.to_dict(), listed)


def _count_concepts(units: Sequence[Document], lexicon: Lexicon) -> list[Document]:
    """Groups in their order, then the most frequent concept first, then the alphabet."""
    counts = Counter(unit["concept"] for unit in units)
    rows = []
    for concept, n in counts.items():
        mine = [unit for unit in units if unit["concept"] == concept]
        category = Counter(unit["category"] for unit in mine).most_common(1)[0][0]
        best = sorted(mine, key=lambda unit: (-unit["precision"], unit["index"]))
        group = find_group(concept=concept, category=category, lexicon=lexicon)
        examples = [unit["index"] for unit in best]
        rows.append({"group": group, "concept": concept, "units": n, "layer": mine[0]["layer"], "examples": examples})
    return sorted(rows, key=lambda row: (GROUPS.index(row["group"]), -row["units"], row["concept"]))


def _draw_group(group: str, rows: Sequence[Document], highest: int, crops: Mapping[Place, bytes]) -> alt.VConcatChart:
    values = [{"concept": row["concept"], "units": row["units"]} for row in rows]
    bars = (
        alt.Chart(alt.InlineData(values=values), title=group, width=alt.Step(22), height=110)
        .mark_bar(color="#3f6fb5", cornerRadiusEnd=2)
        .encode(
            x=alt.X("concept:N", sort=[row["concept"] for row in rows], title=None, axis=alt.Axis(labelAngle=-40)),
            y=alt.Y("units:Q", title="units", scale=alt.Scale(domain=[0, highest]), axis=alt.Axis(tickMinStep=1)),
        )
    )
    places = [(row["layer"], index) for row in rows for index in row["examples"]]
    shown = [place for place in places if place in crops][:N_EXAMPLES]
    if not shown:
        return alt.vconcat(bars)
    urls = [f"data:image/jpeg;base64,{b64encode(crops[place]).decode()}" for place in shown]
    tiles = [{"place": i, "url": url} for i, url in enumerate(urls)]
    strip = (
        alt.Chart(alt.InlineData(values=tiles), width=N_EXAMPLES * (CROP_PX + 4), height=CROP_PX)
        .mark_image(width=CROP_PX, height=CROP_PX)
        .encode(
            x=alt.X("place:Q", axis=None, scale=alt.Scale(domain=[-0.5, N_EXAMPLES - 0.5])),
            y=alt.value(CROP_PX / 2),
            url="url:N",
        )
    )
    return alt.vconcat(bars, strip)


def _draw_nothing(title: str) -> alt.Chart:
    words = [{"words": "no interpretable unit"}]
    empty: alt.Chart = alt.Chart(alt.InlineData(values=words), title=title, width=300, height=60).mark_text()
    return empty.encode(text="words:N")


def draw_unique_detectors(rows: Rows) -> Figure:
    """From rows of network, category, n_unique: stacked bars, the network with most unique detectors first."""
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row["network"]] += row["n_unique"]
    ranked = sorted(totals, key=lambda network: (-totals[network], network))
    chart = (
        alt.Chart(alt.InlineData(values=list(rows)), width=420, height=alt.Step(30))
        .mark_bar(height=19)
        .encode(
            y=alt.Y("network:N", sort=ranked, title=None),
            x=alt.X("n_unique:Q", title=f"unique detectors (IoU > {DETECTOR_ABOVE})"),
            color=_color("category", BRODEN_CATEGORIES, BRODEN_COLORS, title="Broden's category"),
            order=alt.Order("rank:Q"),
        )
        .transform_calculate(rank=f"indexof({list(BRODEN_CATEGORIES)}, datum.category)")
    )
    return Figure("unique-detectors", "Unique detectors by network", chart.to_dict(), rows)


def draw_unique_detectors_along(rows: Rows, *, axis: str) -> Figure:
    """From rows of position, category, n_unique: a line a category along training snapshots or a rotation."""
    chart = (
        alt.Chart(alt.InlineData(values=list(rows)), width=420, height=280)
        .mark_line(point=True, strokeWidth=2.5)
        .encode(
            x=alt.X("position:Q", title=axis),
            y=alt.Y("n_unique:Q", title=f"unique detectors (IoU > {DETECTOR_ABOVE})"),
            color=_color("category", BRODEN_CATEGORIES, BRODEN_COLORS, title="Broden's category"),
        )
    )
    return Figure("unique-detectors-along", f"Unique detectors along {axis}", chart.to_dict(), rows)


def _color(field: str, domain: Sequence[str], colors: list[str], *, title: str) -> alt.Color:
    order = list(domain)
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=order, range=colors), sort=order, title=title)


def find_group(*, concept: str, category: str, lexicon: Lexicon) -> str:
    """By the whole concept, then by its last word; scenes by their category alone."""
    if category == "scene":
        return "scenes"
    for word in dict.fromkeys((concept, lexicon.singular(concept), lexicon.singular(concept).rpartition(" ")[2])):
        for group, roots in ROOTS.items():
            if any(_belongs(word, lexicon.singular(root), lexicon) for root in roots):
                return group
    return OTHER


def _belongs(word: str, root: str, lexicon: Lexicon) -> bool:
    return bool(word == root or lexicon.find_synonymy(word, root) or lexicon.find_wideness(root, word))
