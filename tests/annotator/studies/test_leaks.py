"""Neither page, requests, names of pictures, order nor timing of a study's assignments tell which method spoke.

Words are dealt to the methods by chance, so that they tell nothing either. UNITSCOPE_LEAK_ASSIGNMENTS says over how
many assignments a classifier tries (the drill: 500); the suite compares the pages themselves.
"""

import os
import re
import time
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from pytest_django import Settings
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from annotator.crowd.models import HIT, Campaign
from annotator.studies.models import StudyPair
from annotator.units.models import Dissection
from tests.annotator.crowd.fixtures import Visitor
from tests.annotator.crowd.making import draw_photographs, make_dissection

pytestmark = pytest.mark.django_db
N_ASSIGNMENTS = int(os.environ.get("UNITSCOPE_LEAK_ASSIGNMENTS", "0"))
MAX_AREA = 0.55
# Each assignment is of a question of its own: of 45 units, two descriptions with six questions each.
N_UNITS, METHODS = 45 if N_ASSIGNMENTS else 2, ("CLIP-Dissect", "another method")
# What every page has of its own, whatever it asks: ids, signed tokens, and the time.
OWN = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[\w-]+:[\w-]{4,}:[\w-]{20,}|U-[0-9A-F]{12}|nonce[-=]\"?[\w+/=-]{16,}")


@pytest.fixture
def dissection(tmp_path: Path, settings: Settings) -> Dissection:
    settings.ARTIFACT_ROOT = f"file://{tmp_path / 'store'}"
    settings.MARKETPLACE_CREDENTIALS = {**settings.MARKETPLACE_CREDENTIALS, "own": ("A key", "the secret of it")}
    (tmp_path / "images").mkdir()
    made = make_dissection(tmp_path / "images", n_units=N_UNITS, n_top=2, n_low=1)
    draw_photographs(made)
    np.save(tmp_path / "vectors.npy", np.random.default_rng(1).normal(size=(100, N_UNITS)).astype(np.float16))
    return made


def deal_words(*, seed: int) -> list[list[str]]:
    """By method and unit: of two words of each unit, chance says which method has which."""
    generator = np.random.default_rng(seed)
    words = [[f"thing {unit}", f"gadget {unit}"] for unit in range(N_UNITS)]
    return np.array([generator.permutation(two) for two in words]).T.tolist()


def ask(dissection: Dissection, folder: Path, words: list[list[str]], *, n_images: int) -> Campaign:
    files = []
    for method, said in zip(METHODS, words, strict=True):
        path = folder / f"{method}.csv"
        path.write_text("layer,unit,phrase\n" + "".join(f"features.3,{u},{text}\n" for u, text in enumerate(said)))
        files += ["--file", f"{method}={path}"]
    call_command(
        "study", "plan", "birds", "--dissection", str(dissection.pk), "--unit", f"features.3:0-{N_UNITS - 1}", *files,
        "--activations", f"features.3={folder / 'vectors.npy'}", "--concepts", "none", "--images", str(n_images),
        stdout=StringIO(),
    )  # fmt: skip
    call_command("study", "launch", "birds", stdout=StringIO())
    return Campaign.objects.get()


def see(hit: HIT, number: int) -> tuple[str, list[bytes], list[float]]:
    """What one assignment's browser gets: all text less what any page has of its own, pictures, and seconds."""
    visitor = Visitor(hit, assignment_id=f"A{number:04}", worker_id=f"W{number:04}")
    seconds, since = [], time.perf_counter()
    page = visitor.open()
    seconds.append(time.perf_counter() - since)
    since = time.perf_counter()
    started = visitor.start()
    seconds.append(time.perf_counter() - since)
    since = time.perf_counter()
    pictures = [visitor.client.get(address).content for address in started["sheets"]]
    seconds.append(time.perf_counter() - since)
    text = page.content.decode() + str(sorted(page.headers.items())) + str(sorted(started.items()))
    return OWN.sub("OWN", text), pictures, seconds


def find_method(hit: HIT) -> str:
    place = hit.hit_units.get().asked_as.split(".")[0]
    return StudyPair.objects.get(position=place).method


def test_a_page_is_the_same_whichever_method_says_the_words(dissection: Dissection, tmp_path: Path) -> None:
    words = deal_words(seed=3)
    seen: list[dict[str, Any]] = []
    everything = sorted(text for said in words for text in said)
    for dealt in (words, words[::-1]):
        campaign = ask(dissection, tmp_path, dealt, n_images=10)
        pages = {}
        for hit in campaign.hits.order_by("pk"):
            said = hit.hit_units.get().texts[0]
            text, pictures, _ = see(hit, everything.index(said))
            assert not any(method in text for method in METHODS)
            pages[said] = (find_method(hit), text, pictures)
        seen.append(pages)
        call_command("study", "delete", "birds", stdout=StringIO())
    first, second = seen
    assert sorted(first) == sorted(second) == everything
    for said in first:
        assert first[said][0] != second[said][0]
        assert first[said][1:] == second[said][1:], said


@pytest.mark.skipif(not N_ASSIGNMENTS, reason="the drill study-leak runs it over 500 assignments")
def test_no_classifier_finds_the_method(dissection: Dissection, tmp_path: Path) -> None:
    campaign = ask(dissection, tmp_path, deal_words(seed=5), n_images=200)
    hits = list(campaign.hits.order_by("pk"))
    rows, methods = [], []
    assert len(hits) >= N_ASSIGNMENTS
    for place, hit in enumerate(hits[:N_ASSIGNMENTS]):
        text, pictures, seconds = see(hit, place)
        words = hit.hit_units.get().texts[0]
        plain = text.replace(words, "")
        rows.append([
            place, hit.public_id.int % 1009, len(plain), sum(map(plain.count, "0123456789")), len(pictures),
            sum(map(len, pictures)), *(pictures[0][at] for at in (200, 400, 600)), *seconds,
        ])  # fmt: skip
        methods.append(find_method(hit) == METHODS[0])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    guessed = cross_val_predict(classifier, np.array(rows), methods, cv=5, method="predict_proba")[:, 1]
    area = roc_auc_score(methods, guessed)
    print(f"area under the curve {max(area, 1 - area):.3f} over {len(rows[0])} features")
    assert area <= MAX_AREA
