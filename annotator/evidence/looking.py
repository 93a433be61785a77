"""Asks which layers a network has, what units do on a photograph, and which units feed which: once, then the answer is
read again.

Nobody owns these questions: they are made when a page needs them, and forgotten with other old questions.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from annotator.evidence.asking import CannotAsk, send_first
from annotator.evidence.models import Question
from annotator.units import gpu_queue
from annotator.units.models import Dissection, Image, Network
from annotator.units.settling import same_preprocessing
from workers import contract
from workers.store import StoreError, open_store

logger = logging.getLogger(__name__)
# Of this kind, as many may wait for a GPU process at a time: whoever steps through many photographs meets the bound.
MAX_WAITING = 200
REFUSED_FOR = timedelta(minutes=10)
FILES = {
    Question.Kind.LOOK: contract.UNIT_MAPS,
    Question.Kind.VIEW: contract.VIEWS,
    Question.Kind.WALK: contract.STRONGEST,
}
BUSY = "Too many questions wait for the GPU processes. Look again when some of them have been answered."


def find_layers(*, network: Network, now: datetime) -> Question:
    """Which layers the network has, from its tree. Raises CannotAsk."""
    return _ask_once(Question.Kind.LAYERS, _address(network), {}, now=now, title=network.name[:200])


def look_at(*, image: Image, dissection: Dissection, layer_path: str, now: datetime) -> Question:
    """What the units of the layer do on the photograph, as the dissection saw it. Raises CannotAsk."""
    found = dissection.image_set
    options = {"images": found.address, "image": image.path, "labels": found.labels, "layer": layer_path}
    asked = _address(dissection.network, dissection)
    return _ask_once(Question.Kind.LOOK, asked, options, now=now, title=image.path[-200:], image=image)


def find_views(*, image: Image, dissection: Dissection, layer_path: str, unit: int, now: datetime) -> Question:
    """What the unit, and the class that the network puts first, look at in the photograph. Raises CannotAsk."""
    found = dissection.image_set
    options = {"images": found.address, "image": image.path, "labels": found.labels, "layer": layer_path, "unit": unit}
    asked = _address(dissection.network, dissection)
    return _ask_once(Question.Kind.VIEW, asked, options, now=now, title=image.path[-200:], image=image)


def find_walk(*, dissection: Dissection, layer_paths: list[str], now: datetime) -> Question:
    """Which units of these layers feed which, over photographs of the dissection's image set. Raises CannotAsk."""
    found = dissection.image_set
    options = {"images": found.address, "labels": found.labels, "layers": layer_paths}
    asked = _address(dissection.network, dissection)
    return _ask_once(Question.Kind.WALK, asked, options, now=now, title=dissection.network.name[:200])


def forget(dissection: Dissection) -> None:
    """Deletes what was asked for pages of a dissection that is gone, unless another one of the network over these
    images remains. What the store does not give away now is deleted with other old questions.
    """
    images, network = dissection.image_set, dissection.network
    if network.dissections.filter(image_set__address=images.address, image_set__labels=images.labels).exists():
        return
    asked = Question.objects.filter(
        same_preprocessing(network.preprocessing),
        kind__in=FILES,
        architecture=network.architecture,
        weights=dissection.weights or network.weights,
        options__images=images.address,
        options__labels=images.labels,
    )
    for question in asked:
        try:
            if question.state == Question.State.ASKED:
                gpu_queue.mark_canceled(question.folder, is_canceled=True)
            open_store(question.folder).clear()
        except StoreError as error:
            logger.warning("Question %s is kept for now: %s", question.pk, error)
            continue
        question.delete()


@dataclass(frozen=True)
class _Address:
    network: Network
    weights: str
    code_folder: str


def _address(network: Network, dissection: Dissection | None = None) -> _Address:
    """Where the network lies, or lay when the dissection read it."""
    read = dissection or Dissection()
    return _Address(network, read.weights or network.weights, read.code_folder or network.code_folder)


def _ask_once(
    kind: Question.Kind, address: _Address, options: dict[str, Any], *, now: datetime, **values: Any
) -> Question:
    """The newest such question that was not refused; else a new one."""
    network = address.network
    asked = {
        "kind": kind,
        "architecture": network.architecture,
        "weights": address.weights,
        "code_folder": address.code_folder,
        "options": options,
        "image": values.get("image"),
    }
    same = Question.objects.filter(same_preprocessing(network.preprocessing), **asked).order_by("-asked_at")
    if (known := same.first()) is not None and not _is_to_be_tried_again(known, now):
        return known
    with transaction.atomic():
        # Two pages that ask at once make one question: each waits here for the other.
        Network.objects.select_for_update().get(pk=network.pk)
        if (known := same.first()) is not None and not _is_to_be_tried_again(known, now):
            return known
        if Question.objects.filter(kind=kind, state=Question.State.ASKED).count() >= MAX_WAITING:
            raise CannotAsk(BUSY)
        question = Question(**asked, preprocessing=network.preprocessing, title=values["title"], asked_at=now)
        send_first(question, now=now)
    return question


def _is_to_be_tried_again(question: Question, now: datetime) -> bool:
    """A refusal may pass: a file that was away, a process that was lost. It is asked again after ten minutes. An answer
    without its file, as after a restore, is no answer.
    """
    if question.state == Question.State.ANSWERED:
        file = FILES.get(Question.Kind(question.kind))
        try:
            return file is not None and not open_store(question.folder).exists(file)
        except StoreError:
            return False
    if question.state != Question.State.REFUSED or question.answered_at is None:
        return False
    return now - question.answered_at > REFUSED_FOR
