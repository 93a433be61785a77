"""What methods say about units comes in from any of their files, whole or not at all."""

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotator.descriptions.models import Description, Method
from annotator.units.models import Layer, Network

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 28, tzinfo=UTC)
NETDISSECT = (
    "unit,category,label,score,scene-label,scene-iou\n1,scene,shop_window-s,0.2,shop_window-s,0.2\n"
    "2,scene,dog,0.1,dog,0.1\n"
)
RATED = (
    "Layer,Unit,Mean Caption Label,Topk-Sq Caption Label,Mean Caption E1 Rating,Topk-Sq E1 Rating,"
    "Mean Caption E2 Rating,Topk-Sq E2 Rating\nc,0,red,blue,3,5,5,4\n"
)
WEIGHTS = "weight0,concept0,weight1,concept1,weight2,concept2"
# Format -> the file, and method, text and score of unit 0 of layer c.
FILES: dict[str, tuple[str, tuple[str, str, float | None]]] = {
    "netdissect": (NETDISSECT, ("NetDissect", "shop window", 0.2)),
    "clip": ("layer,unit,description,similarity\nc,0,blue sky,-0.02\n", ("CLIP-Dissect", "blue sky", -0.02)),
    "milan": ("layer,unit,description\nc,0,- the top\n", ("MILAN", "- the top", None)),
    "people": ("layer,unit,summary\nc,0,a dog\nc,0,paws\n", ("MILANNOTATIONS", "a dog", None)),
    "dnd": ("Neuron ID,Label 1,Label 2\n0,spirals,\n", ("Describe-and-Dissect", "spirals", None)),
    "rated": (RATED, ("Describe-and-Dissect (Mean Caption)", "red", 4.0)),
    "le": (
        f'unit,val correlation,{WEIGHTS},sim correlation\n0,.3,1.5,"bar, wet",-.2,car,0,0,.41\n',
        ("Linear Explanations", "bar, wet; not car", 0.41),
    ),
    "invert": ("unit,formula,auc\n0,(dog AND NOT cat),0.9\n", ("INVERT", "(dog AND NOT cat)", 0.9)),
}


def bring(folder: Path, content: str, **options: Any) -> str:
    """Into the network net, of layer c unless the file says more."""
    (folder / "said.csv").write_text(content)
    said = StringIO()
    call_command("import_descriptions", str(folder / "said.csv"), **{"network": "net", **options}, stdout=said)
    return said.getvalue().strip()


@pytest.fixture
def layer(db: None) -> Layer:
    """Of four units, in a network that is known."""
    network = Network.objects.create(name="net", architecture="unitscope:test", registered_at=NOW)
    return Layer.objects.create(network=network, path="c", n_units=4)


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_known_by_its_columns(tmp_path: Path, layer: Layer, name: str) -> None:
    content, told = FILES[name]
    bring(tmp_path, content, layer=["c"])
    first = Description.objects.filter(unit__layer=layer, unit__index=0).earliest("pk")
    assert (first.method.name, first.text, first.score) == told


def test_what_else_a_file_says_is_kept(tmp_path: Path, layer: Layer) -> None:
    for name in ("netdissect", "people", "rated", "le"):
        bring(tmp_path, FILES[name][0], layer=["c"])
    kept = {one.method.name: one.details for one in Description.objects.filter(unit__index=0)}
    assert kept["NetDissect"] == {"label": "shop_window-s", "category": "scene"}
    assert kept["MILANNOTATIONS"] == {"others": ["paws"]}
    assert kept["Describe-and-Dissect (Topk-Sq)"] == {"ratings": [5.0, 4.0]}
    assert kept["Linear Explanations"] == {"weights": [["bar, wet", 1.5], ["car", -0.2]]}


def test_any_other_file_is_read_by_the_names_of_its_columns(tmp_path: Path, layer: Layer) -> None:
    options = {
        "unit_column": "neuron", "description_column": "text", "layer_column": "block", "score_column": "rho",
        "first_unit": 1, "method": "mine", "layer": ["block 1=c"],
    }  # fmt: skip
    assert bring(tmp_path, "block,neuron,text,rho\nblock 1,2,dogs,.5\nother,1,cats,\n", **options) == (
        "mine: 1 unit of c described."
    )
    only = Description.objects.get()
    assert (only.unit.index, only.text, only.score, only.method.score_name) == (1, "dogs", 0.5, "rho")


def test_the_same_file_twice_is_once_and_another_one_replaces_only_if_asked(tmp_path: Path, layer: Layer) -> None:
    bring(tmp_path, "layer,unit,description\nc,0,dogs\n")
    assert bring(tmp_path, "layer,unit,description\nc,0,dogs\n").endswith("Nothing was changed.")
    with pytest.raises(CommandError, match="row 2: MILAN says 'dogs' about unit 0 of c here already"):
        bring(tmp_path, "layer,unit,description\nc,0,cats\nc,1,cars\n")
    assert Description.objects.get().text == "dogs"
    bring(tmp_path, "layer,unit,description\nc,0,cats\nc,1,cars\n", replace=True)
    assert sorted(Description.objects.values_list("text", flat=True)) == ["cars", "cats"]


def test_a_network_that_nobody_knows_is_made(tmp_path: Path) -> None:
    bring(tmp_path, FILES["clip"][0] + "layer4,511,dog,.3\n")
    assert dict(Layer.objects.values_list("path", "n_units")) == {"c": 1, "layer4": 512}
    assert Network.objects.get().architecture == "imported"


def test_a_comparison_is_no_html_and_changed_details_are_a_change(tmp_path: Path, layer: Layer) -> None:
    bring(tmp_path, "layer,unit,description\nc,0,a < b\nc,1,R&amp D\n")
    assert sorted(Description.objects.values_list("text", flat=True)) == ["R&amp D", "a < b"]
    Description.objects.all().delete()
    head = f"unit,{WEIGHTS}\n"
    bring(tmp_path, f"{head}0,2,dog,1,cat,0,0\n", layer=["c"])
    assert "Nothing was changed" in bring(tmp_path, f"{head}0,2,dog,1,cat,0,0\n", layer=["c"])
    bring(tmp_path, f"{head}0,3,dog,1,cat,0,0\n", layer=["c"], replace=True)
    assert Description.objects.get().details["weights"][0] == ["dog", 3]


def test_the_name_of_a_score_that_has_no_room_is_refused(tmp_path: Path, layer: Layer) -> None:
    column = "s" * 90
    with pytest.raises(CommandError, match="at most 80 characters"):
        bring(tmp_path, f"layer,unit,description,{column}\nc,0,dog,1\n", score_column=column, method="Mine")


HEAD = "layer,unit,description\n"
BAD = {
    "unknown unit": (HEAD + "c,0,dog\nc,4,cat\n", "row 3, column unit: layer c of net has 4 units"),
    "unknown layer": (HEAD + "c,0,dog\nd,0,cat\n", "network net has no layer d; its layers: c"),
    "no number": (HEAD + "c,-1,dog\n", "row 2, column unit: '-1' is no whole number"),
    "described twice": (
        HEAD + "c,0,dog\nc,1,cat\nc,0,cow\n",
        "row 4, column unit: MILAN describes unit 0 of c in row 2",
    ),
    "empty": (HEAD + "c,0,dog\nc,1,  \n", "row 3, column description: it is empty"),
    "long": (HEAD + f"c,0,{'a' * 2000}\n", "row 2, column description: the text has 2,000 characters"),
    "HTML": (HEAD + "c,0,dog\nc,1,<b>cat</b>\n", "row 3, column description: '<b>cat</b>' holds HTML"),
    "entity": (HEAD + "c,1,cat &amp; dog\n", "row 2, column description: 'cat &amp; dog' holds HTML"),
    "control": (HEAD + "c,1,cat\x07\n", "row 2, column description: the text holds control characters"),
    "ragged": (HEAD + "c,1\n", "row 2: 2 cells where the header has 3"),
    "unnamed": ("unit,words\n1,cat\n", "there is no column 'description'"),
    "no method": ("unit,description,rho\n1,cat,3\n", "Name it"),
    "no rows": (HEAD, "holds no rows"),
    "score": ("layer,unit,description,similarity\nc,0,dog,nan\n", "row 2, column similarity: nan does not lie"),
    "rating": (RATED.replace("c,0,red,blue,3", "c,0,red,blue,6"), "column Mean Caption E1 Rating: 6 does not lie"),
    "no concept": (f"unit,{WEIGHTS}\n0,0,0,0,0,0,0\n", "row 2, column weight0: no concept has a weight"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_fault_is_named_and_nothing_is_half_imported(tmp_path: Path, layer: Layer, fault: str) -> None:
    content, sentence = BAD[fault]
    has_layers = content.lower().startswith("layer")
    with pytest.raises(CommandError) as refused:
        bring(tmp_path, content, **({} if has_layers else {"layer": ["c"]}))
    assert "said.csv" in str(refused.value)
    assert sentence in str(refused.value)
    assert not Description.objects.exists()
    assert not Method.objects.exists()


def test_what_nobody_could_mean_is_refused_in_words(tmp_path: Path, layer: Layer) -> None:
    with pytest.raises(CommandError, match="computed here"):
        bring(tmp_path, HEAD + "c,0,dog\n", method="People")
    with pytest.raises(CommandError, match="no row of layer e; it has c"):
        bring(tmp_path, HEAD + "c,0,dog\n", layer=["e"])
    with pytest.raises(CommandError, match="names no layers"):
        bring(tmp_path, FILES["dnd"][0])
    with pytest.raises(CommandError, match="no column 'rho' of scores"):
        bring(tmp_path, HEAD + "c,0,dog\n", score_column="rho")
    bring(tmp_path, FILES["clip"][0])
    other = HEAD.replace("description", "description,rho") + "c,1,a,2\n"
    with pytest.raises(CommandError, match="two scales under one name"):
        bring(tmp_path, other, method="CLIP-Dissect", score_column="rho")
    with pytest.raises(CommandError, match="either --network NAME or --dissection ID"):
        bring(tmp_path, HEAD, network=None)
