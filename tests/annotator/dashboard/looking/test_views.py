"""A unit's and a class's views of a photograph, each beside its randomized twin: asked of a GPU process once."""

import io
import re
from typing import Any

import numpy as np
import torch
from django.test import Client
from PIL import Image as Picture

from annotator.evidence.models import Question
from annotator.units.models import Dissection
from tests.annotator.dashboard.looking.conftest import ARCHITECTURE, Run
from workers.engine.evidence.names import VIEWS
from workers.engine.networks.loading import load_network, normalize

PAGE = "/units/small/1/2/crops/3/views/"
PART = {"HX-Request": "true"}


def test_views_stand_beside_those_of_random_weights(
    dissection: Dissection, viewer: Client, run: Run, tmp_path: Any, django_capture_on_commit_callbacks: Any
) -> None:
    assert 'hx-trigger="load"' in viewer.get(PAGE).content.decode()
    assert not Question.objects.exists(), "the page itself asks nothing"
    with django_capture_on_commit_callbacks(execute=True):
        assert "Waiting for a GPU process" in viewer.get(PAGE, headers=PART).content.decode()
    run()
    question = Question.objects.get()
    assert question.state == Question.State.ANSWERED, question.refusal
    page = viewer.get(PAGE, headers=PART).content.decode()
    pictures = re.findall(r'us-over" src="([^"]+)"', page)
    assert [one.rpartition("/")[2] for one in pictures] == [
        f"{subject}-{method}-{whose}.png"
        for subject in ("unit", "class")
        for method in VIEWS
        for whose in ("own", "random")
    ]
    assert len(re.findall(r"Correlation(: none| -?\d\.\d\d)", page)) == 8
    photographs = set(re.findall(r'us-photo" src="([^"]+)"', page))
    assert all(viewer.get(one).status_code == 200 for one in [*pictures, *photographs])
    assert Question.objects.count() == 1

    # The oracle: the class that the network puts first, and the gradient of the unit's peak, by torch alone.
    loaded = load_network(architecture=ARCHITECTURE, weights=None)
    pixels = np.asarray(Picture.open(tmp_path / "set" / "images" / "003.png").convert("RGB"))
    leaf = normalize(pixels=torch.tensor(pixels[None]), preprocessing=loaded.preprocessing).requires_grad_()
    assert question.answer["class_index"] == int(loaded.module(leaf)[0].argmax())
    (gradient,) = torch.autograd.grad(loaded.module[:2](leaf)[0, 2].max(), leaf)
    expected = gradient[0].abs().amax(dim=0).numpy()
    shown = Picture.open(io.BytesIO(viewer.get(pictures[2]).content)).getchannel("A")
    place = np.unravel_index(int(np.asarray(shown).argmax()), (shown.height, shown.width))
    peak = np.unravel_index(int(expected.argmax()), expected.shape)
    scale = np.array(expected.shape) / (shown.height, shown.width)
    assert np.abs(np.array(place) * scale - peak).max() <= 1.5


def test_what_is_not_there_is_not_asked_about(dissection: Dissection, viewer: Client, run: Run) -> None:
    for address in (
        "/units/small/1/2/crops/99/views/",
        "/units/small/1/77/crops/0/views/",
        "/units/x/1/2/crops/0/views/",
    ):
        assert viewer.get(address, headers=PART).status_code == 404, address
    assert not Question.objects.exists()
