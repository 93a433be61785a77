"""Pages of read-outs: the list with baselines, one with its figures, and what it says of a photograph.

The GPU process's tasks run in the process of the test.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image as Picture

from annotator.accounts.models import AuditEntry, Role
from annotator.dashboard.templatetags.dashboard_words import tone
from annotator.evidence.models import Question
from annotator.readouts.models import Readout
from annotator.units.models import ImageSet, Network
from tests.annotator.crowd.making import NOW
from tests.annotator.dashboard.making import sign_in
from tests.annotator.dashboard.readouts.conftest import ARCHITECTURE, N_UNITS, VQA_REPORT, keep
from tests.annotator.dashboard.trying.conftest import Run, photograph, posts_commit, read


@pytest.fixture
def researcher(asks: Readout, django_capture_on_commit_callbacks: Any) -> Client:
    return posts_commit(sign_in(Role.RESEARCHER), django_capture_on_commit_callbacks)


def ask(client: Client, readout: Readout, content: bytes = b"", **fields: str) -> Any:
    file = SimpleUploadedFile("room.jpg", content or photograph())
    return client.post(reverse("readout", args=[readout.name]), {"file": file, **fields})


def test_the_list_shows_the_evaluation_beside_its_baselines(viewer: Client, asks: Readout) -> None:
    said = " ".join(read(viewer, "/readouts/").split())
    for words in ("asks", "0.300", "[0.250, 0.350]", "words alone", "0.210", "most frequent answer", "0.050"):
        assert words in said, words
    assert 'us-is-good">fitted<' in said
    assert all(tone(state) for state in (*Readout.State.values, *Question.State.values))
    assert "Researchers may ask" in read(viewer, "/readouts/asks/")


def test_image_and_words_sum_to_the_score_and_are_shown_apart(researcher: Client, asks: Readout, run: Run) -> None:
    address = ask(researcher, asks, question="What is on the table?").url
    assert "waiting for a gpu process" in read(researcher, address).casefold()
    run()
    answer = Question.objects.get().answer
    assert answer["score"] == pytest.approx(answer["image_score"] + sum(one["score"] for one in answer["words"]))
    assert np.mean(answer["map"]) == pytest.approx(answer["image_score"], abs=1e-5)
    said = " ".join(read(researcher, address).split())
    word_score = answer["score"] - answer["image_score"]
    assert f"{answer['score']:.2f}</span> = <span>{answer['image_score']:.2f} [image]" in said
    assert f"+ <span>{word_score:.2f} [words]" in said
    assert said.count('class="us-share') >= N_UNITS + 1
    assert "Not in the vocabulary" in said
    assert "toy" not in said.casefold()
    picture = researcher.get(f"{address}map.png")
    with Picture.open(io.BytesIO(picture.content)) as shown:
        assert (shown.mode, picture["Cache-Control"]) == ("RGBA", "private, max-age=60")
    assert researcher.get(f"{address}word-0.png").status_code == 404, "words of a question have no map"
    assert "Where unit 3 fires" in read(researcher, f"{address}?unit=3")


def test_more_is_asked_about_the_same_photograph(researcher: Client, asks: Readout, run: Run) -> None:
    first = ask(researcher, asks, question="what is this").url
    run()
    second = researcher.post(f"{first}again/", {"question": "how many"}).url
    run()
    assert second != first
    said = read(researcher, second)
    assert Question.objects.get(pk=second.split("/")[-2]).answer["prediction"] == "two"
    assert "what is this" in said, "both questions stand side by side"
    why = researcher.post(f"{first}again/", {"question": "what is this", "answer": "white", "against": "table"}).url
    run()
    assert "and not table" in read(researcher, why)
    wrong = researcher.post(f"{first}again/", {"question": "what is this", "answer": "no such answer"}).url
    run()
    assert "no answer" in read(researcher, wrong)
    assert researcher.post(f"{first}again/", {"question": ""}).status_code == 422


def test_a_question_is_needed_and_a_photograph(researcher: Client, asks: Readout) -> None:
    assert "This field is required" in ask(researcher, asks, question="  ").content.decode()
    said = researcher.post("/readouts/asks/", {"question": "what"}).content.decode()
    assert "Choose either a file or an image set" in said
    assert not Question.objects.exists()


def test_a_photograph_may_be_as_large_as_the_form_says(researcher: Client, viewer: Client, asks: Readout) -> None:
    large = photograph((800, 600), "BMP", "RGB")
    assert len(large) > 1 << 20
    assert ask(viewer, asks, large, question="what").status_code == 413
    assert ask(researcher, asks, large, question="what").status_code == 302
    assert "larger than 10 MiB" in ask(researcher, asks, bytes(11 << 20), question="what").content.decode()


def test_captions_have_a_map_for_each_word_and_say_that_they_are_a_toy(viewer: Client, asks: Readout) -> None:
    toy = keep("says", "caption", report={**VQA_REPORT, "task": "caption"}, facts={"names": []}, weight=[[1.0]])
    answer = {
        "task": "caption", "layer": "1", "photograph": {"width": 40, "height": 30}, "seen": [0, 0, 40, 30],
        "prediction": "a dog", "score": 1.5, "words": [{"word": "a", "score": 0.5, "map": [[0.5]]},
        {"word": "dog", "score": 1.0, "map": [[1.0, -1.0]]}], "units": [], "rest": 0.0, "bias": 0.0, "map": [[1.0]],
        "against": "", "ranking": [], "notes": [], "speaking": {"words": [["puppy", 2.5]]},
        "network": {"weights_sha256": "", "source_sha256": "", "weights_from": "file"},
    }  # fmt: skip
    question = Question.objects.create(
        kind="read", state="answered", architecture=ARCHITECTURE, options={"in_full": True, "readout": str(toy.pk)},
        answer=answer, title="dog.jpg", asked_at=NOW,
    )  # fmt: skip
    page = reverse("reading", args=[question.pk])
    for address in (page, f"{page}?word=1", "/readouts/says/"):
        assert "A toy:" in read(viewer, address), address
    assert "toy</span>" in read(viewer, "/readouts/")
    assert "What speaks for “a dog”" in read(viewer, page)
    assert "puppy" in read(viewer, page)
    assert "Where it sees “dog”" in read(viewer, f"{page}?word=1")
    with Picture.open(io.BytesIO(viewer.get(f"{page}word-1.png").content)) as shown:
        left, right = np.asarray(shown)[0, 0, :3], np.asarray(shown)[0, -1, :3]
    assert left.tolist() != right.tolist(), "what speaks for the word and what against it differ in color"


def test_a_fit_is_canceled_and_read_outs_are_deleted(researcher: Client, asks: Readout, run: Run) -> None:
    question = Question.objects.create(kind="learn", architecture=ARCHITECTURE, options={}, asked_at=NOW)
    Readout.objects.create(
        name="late",
        task="vqa",
        architecture=ARCHITECTURE,
        question=question,
        created_at=NOW,
        options={"data": ["/elsewhere.json"]},
    )
    assert "Cancel the fit" in read(researcher, "/readouts/late/")
    assert "HX-Refresh" not in researcher.get("/readouts/late/progress", headers={"HX-Request": "true"})
    said = researcher.post("/readouts/late/cancel/", follow=True).content.decode()
    assert "is canceled" in said
    assert "The same command fits it again" in said, "the form knows no such data"
    assert researcher.get("/readouts/late/progress", headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert researcher.post("/readouts/late/cancel/").status_code == 409
    address = ask(researcher, asks, question="what").url
    run()
    for name in ("late", "asks"):
        assert f"{name} is deleted" in researcher.post(f"/readouts/{name}/delete/", follow=True).content.decode()
    assert not Readout.objects.exists()
    assert "was deleted since" in read(researcher, address), "what was asked stays"
    done = AuditEntry.objects.values_list("action", flat=True)
    assert {"cancel read-out", "delete read-out"} <= set(done)


def test_a_read_photograph_is_kept_and_deleted_like_a_tried_one(researcher: Client, asks: Readout, run: Run) -> None:
    address = ask(researcher, asks, question="what").url
    run()
    question = Question.objects.get()
    trial = reverse("trial", args=[question.pk])
    assert researcher.get(trial).url == address, "its page is the read-out's"
    assert researcher.post(f"{trial}again/", {}).status_code == 404
    assert "room.jpg" not in read(researcher, "/try/"), "that list is of explanations"
    assert researcher.post(f"{trial}delete/").url == "/readouts/"
    assert not Question.objects.exists()


def test_a_read_out_is_fitted_from_the_page(
    researcher: Client, asks: Readout, run: Run, tmp_path: Path
) -> None:  # fmt: skip
    for name, shade in (("dark", 20), ("light", 220)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.full((8, 8, 3), shade + number, np.uint8)
            Picture.fromarray(pixels).save(tmp_path / "set" / name / f"{number}.png")
    images = ImageSet.objects.create(name="shades", address=str(tmp_path / "set"), labels="none", registered_at=NOW)
    network = Network.objects.create(name="small", architecture=ARCHITECTURE, registered_at=NOW)
    given = {"name": "shade", "task": "classify", "network": network.name, "image_set": images.name}
    said = researcher.post("/readouts/", {**given, "task": "regress"}).content.decode()
    assert "Name the label" in said
    assert "it is for clusters" in researcher.post("/readouts/", {**given, "clusters": 3}).content.decode()
    said = researcher.post("/readouts/", {**given, "name": "asks"}).content.decode()
    assert "There is a read-out" in said
    assert researcher.post("/readouts/", given).url == "/readouts/shade/"
    assert "waiting for a gpu process" in read(researcher, "/readouts/shade/").casefold()
    said = researcher.post("/readouts/shade/cancel/", follow=True).content.decode()
    assert 'href="/readouts/?like=shade"' in said, "what the form began, the form begins again"
    refilled = researcher.get("/readouts/?like=shade").context["form"].initial
    assert {name: refilled[name] for name in given} == given
    assert researcher.post("/readouts/", given).url == "/readouts/shade/"
    run()
    said = read(researcher, "/readouts/shade/")
    assert "most frequent class" in said
    shade = Readout.objects.get(name="shade")
    assert (shade.report["n_answers"], shade.options["labels"]) == (2, "none"), (
        "the set's labels are its registration's"
    )
    assert AuditEntry.objects.filter(action="fit read-out", subject="read-out shade").exists()
