"""A photograph is tried: shown as it becomes ready, explained, compared, kept, deleted; or refused in a sentence.

The GPU process's tasks run in the process of the test.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image as Picture

from annotator.accounts.models import AuditEntry, Role
from annotator.evidence import asking, trying
from annotator.evidence.models import Question, UnitClasses
from annotator.units.models import Image, ImageSet, Layer, Network, Unit
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.making import make_person, sign_in
from tests.annotator.dashboard.trying.conftest import Run, photograph, posts_commit, read
from tests.workers.engine.making import make_broden
from workers import answering, contract
from workers.store import open_store


@pytest.fixture
def researcher(run: Run, network: Network, django_capture_on_commit_callbacks: Any) -> Client:
    return posts_commit(sign_in(Role.RESEARCHER), django_capture_on_commit_callbacks)


def upload(client: Client, content: bytes, name: str = "my house.jpg") -> Any:
    return client.post("/try/", {"network": "small", "file": SimpleUploadedFile(name, content)})


def test_a_photograph_from_upload_to_deletion(researcher: Client, run: Run, tmp_path: Path, viewer: Client) -> None:
    exif = Picture.Exif()
    exif[0x0112], exif[0x010E] = 6, "taken at my house"
    address = upload(researcher, photograph(exif=exif)).url
    assert "waiting for a gpu process" in read(researcher, address).casefold()
    assert "HX-Refresh" not in researcher.get(f"{address}progress", headers={"HX-Request": "true"})
    run()
    assert researcher.get(f"{address}progress", headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    question = Question.objects.get()
    assert question.state == Question.State.ANSWERED, question.refusal
    store = open_store(question.folder)
    assert not store.exists(contract.PHOTOGRAPH), "the upload is removed"
    assert not any(b"my house" in store.read(name) for name in store.names())
    shown = viewer.get(f"{address}photograph.jpg")
    with Picture.open(io.BytesIO(shown.content)) as picture:
        assert (picture.size, shown["Cache-Control"]) == ((60, 90), "private, max-age=60")
    assert Client().get(f"{address}photograph.jpg").status_code == 302

    first, second = question.answer["predictions"][:2]
    one, other = first["class_index"], second["class_index"]
    page = read(researcher, f"{address}?class={one}&against={other}&method=layer-cam&boxes=authors")
    assert f"Why “{first['label']}” and not “{second['label']}”?" in page
    assert page.count("us-share-bar") == 12
    assert "not asked yet" in page
    assert "The weights are random" in page
    for turned in ((one, other), (other, one)):
        assert f"class={turned[0]}" in read(researcher, f"{address}?class={turned[0]}&against={turned[1]}")
    for overlay in (f"class-{one}-cam.png", f"class-{other}-grad-cam.png", "unit-3.png"):
        with Picture.open(io.BytesIO(viewer.get(f"{address}{overlay}").content)) as picture:
            assert (picture.mode, picture.size) == ("RGBA", (256, 256))
    assert "Where unit 3 fires" in read(researcher, f"{address}?unit=3")
    for absent in ("class-5000-cam.png", f"class-{one}-none.png", "unit-9999.png", "label-0.png"):
        assert viewer.get(f"{address}{absent}").status_code == 404
    for odd in ("?class=x&against=99999999999&unit=²&label=-1&boxes=a&method=b", "?unit=99999999"):
        read(researcher, f"{address}{odd}")
    assert 'us-number">score ' not in page
    Question.objects.update(answer=question.answer | {"predictions": [{**first, "probability": None}, second]})
    page = read(researcher, address)
    assert page.count('us-number">score ') == page.count('class="us-bar"') == 1, "one score is no probability"
    question.save()

    assert viewer.post(f"{address}keep/", {"keep": "1"}).status_code == 403
    researcher.post(f"{address}keep/", {"keep": "1"})
    asking.forget_old(now=NOW.replace(year=2030))
    last = question.answer["ranking"][-1]["label"]
    again = researcher.post(f"{address}again/", {"named": last, "layer": "", "network": "small"}).url
    run()
    assert last in read(researcher, again)
    asked = Question.objects.exclude(pk=question.pk).get()
    assert asked.answer["predictions"][0]["logit"] == first["logit"], "the same pixels give the same score"
    assert len(asked.answer["predictions"]) == 6
    shown = researcher.post(f"{address}again/", {"named": str(other), "layer": "", "network": "small"}).url
    assert shown.startswith(f"{address}?class={one}&against={other}"), "what is known is not asked again"
    other_person = Client()
    other_person.force_login(make_person(Role.RESEARCHER, "other"))
    others = other_person.post(f"{address}again/", {"layer": "", "network": "small"}).url
    for path in (address, again.partition("?")[0], others):  # asking again about it makes nobody its owner
        assert other_person.post(f"{path}delete/").status_code == 403
        assert other_person.post(f"{path}keep/").status_code == 403
    assert set(Question.objects.values_list("is_kept", flat=True)) == {True}
    assert researcher.post(f"{address}delete/").status_code == 302
    assert not Question.objects.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert researcher.get(address).status_code == 404
    assert "delete photograph" in AuditEntry.objects.values_list("action", flat=True)


def test_shares_and_differences_sum_to_the_scores(researcher: Client, run: Run, network: Network) -> None:
    upload(researcher, photograph((200, 120)))
    run()
    answer = Question.objects.get().answer
    scores = {one["class_index"]: one["logit"] for one in answer["predictions"]}
    for one in answer["predictions"]:
        assert sum_up(one) == pytest.approx(one["logit"], rel=1e-4)
    assert len(answer["differences"]) == 10
    for one in answer["differences"]:
        difference = scores[one["class_index"]] - scores[one["other_index"]]
        assert sum_up(one) == pytest.approx(difference, rel=1e-4, abs=1e-5)
    assert len(answer["ranking"]) == 10


def sum_up(part: dict[str, Any]) -> float:
    return float(part["bias"] + part["rest"] + sum(unit["contribution"] for unit in part["units"]))


def test_units_of_a_registered_network_get_their_classes(researcher: Client, run: Run, network: Network) -> None:
    upload(researcher, photograph())
    run()
    found = Question.objects.get().answer["network"]
    Network.objects.update(weights_sha256=found["weights_sha256"], source_sha256=found["source_sha256"])
    layer = Layer.objects.create(network=network, path="1", n_units=6)
    unit = Unit.objects.create(layer=layer, index=4)
    page = f"/units/small/1/{unit.index}/"
    assert "Classes it speaks for" not in read(researcher, page)
    address = upload(researcher, photograph()).url
    run()
    classes = UnitClasses.objects.get()
    weights = [weight for _, _, weight in classes.speaks_for]
    assert 1 <= len(weights) <= 5
    assert weights == sorted(weights, reverse=True)
    assert all(weight < 0 for _, _, weight in classes.speaks_against)
    assert f"class {classes.speaks_for[0][0]}" in read(researcher, page)
    read(researcher, address)


def test_a_photograph_of_a_labeled_set_is_shown_with_its_labels(researcher: Client, run: Run, tmp_path: Path) -> None:
    make_broden(tmp_path / "set", rng=np.random.default_rng(1), n_images=3)
    images = ImageSet.objects.create(name="set", address=str(tmp_path / "set"), has_labels=True, registered_at=NOW)
    rows = (tmp_path / "set" / "index.csv").read_text().splitlines()[1:]
    for index, row in enumerate(sorted(row.split(",")[0] for row in rows)):
        Image.objects.create(image_set=images, index=index, path=row)
    given = {"network": "small", "image_set": "set", "image": "1"}
    address = researcher.post("/try/", given).url
    run()
    question = Question.objects.get()
    assert question.state == Question.State.ANSWERED, question.refusal
    page = read(researcher, address)
    assert "Labeled pixels of this photograph" in page
    assert researcher.get(f"{address}label-0.png")["Content-Type"] == "image/png"
    assert "Labeled pixels: " in read(researcher, f"{address}?label=0")
    for named, words in (("none such", "has no photograph"), ("77", "has no photograph")):
        assert words in researcher.post("/try/", {**given, "image": named}).content.decode()


def test_what_cannot_be_tried_is_refused_in_one_sentence(
    researcher: Client, run: Run, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content, words in ((bytes(11 * 2**20), "larger than 10 MiB"), (b"", "empty")):
        assert words in upload(researcher, content).content.decode()
    assert "Choose either a file or an image set" in researcher.post("/try/", {"network": "small"}).content.decode()
    assert not Question.objects.exists()
    for content, words in ((b"no picture", "not an image"), (photograph()[:300], "cannot be decoded")):
        address = upload(researcher, content).url
        run()
        assert words in read(researcher, address)
        question = Question.objects.get(pk=address.split("/")[2])
        assert list(open_store(question.folder).names()) == [contract.result_name(0)], "nothing is left of the upload"
    network.architecture = "tests.workers.engine.making:headless_module"
    network.save()
    address = upload(researcher, photograph((300, 300), "PNG", "L")).url
    run()
    assert "grad-cam" in read(researcher, address)
    Layer.objects.create(network=network, path="0", n_units=6)
    by_layer = researcher.post(f"{address}again/", {"layer": "0", "network": "small"}).url
    run()
    assert "Shares of units are known only for the layer" in read(researcher, by_layer)
    for given in ({"named": "no such class"}, {"network": "absent"}, {"layer": "absent"}):
        assert researcher.post(f"{address}again/", {"network": "small", "layer": "", **given}).status_code == 422
    assert sign_in(Role.VIEWER).post("/try/", {}).status_code == 403
    monkeypatch.setattr(trying, "MAX_PER_HOUR", 1)
    again = [upload(researcher, photograph()).content.decode() for _ in range(2)]
    assert any("within this hour" in page for page in again), "the hour may end before one of the two"
    monkeypatch.setattr(trying, "MAX_OPEN", 0)
    assert "still wait" in upload(researcher, photograph()).content.decode()


def test_what_is_deleted_while_it_is_asked_is_not_answered(researcher: Client, run: Run) -> None:
    address = upload(researcher, photograph()).url
    folder = Question.objects.get().folder
    researcher.post(f"{address}delete/")
    open_store(folder).write(contract.PHOTOGRAPH, b"what a GPU process left that died")
    run()
    assert list(open_store(folder).names()) == []


def test_a_broker_that_goes_away_after_a_deletion_leaves_no_files(
    researcher: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = upload(researcher, photograph()).url
    folder = Question.objects.get().folder
    researcher.post(f"{address}delete/")
    open_store(folder).write(contract.SHOWN_PHOTOGRAPH, b"what was written until then")
    monkeypatch.setattr(answering.leases, "is_canceled", lambda **_: False)
    run()
    assert list(open_store(folder).names()) == []


def test_a_class_of_one_network_is_no_class_of_another(researcher: Client, run: Run, network: Network) -> None:
    address = upload(researcher, photograph()).url
    run()
    named = Question.objects.get().answer["ranking"][-1]["class_index"]
    Network.objects.create(
        name="darker", architecture=network.architecture, preprocessing={"scale": 0.5}, registered_at=NOW
    )
    for other, query in (("small", True), ("darker", False)):
        again = researcher.post(f"{address}again/", {"named": named, "layer": "", "network": other}).url
        assert ("?" in again) == query
    assert "The class was left out" in read(researcher, again)
