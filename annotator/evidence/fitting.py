"""Has networks cut and fitted, and keeps what comes back: a file where the person wants it, and a registered network.

A fit lasts: the same request again goes on with the fit that was asked for before, and takes what it left.
"""

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from annotator.evidence import asking
from annotator.evidence.asking import AskedNetwork
from annotator.evidence.models import Question
from annotator.names import check_name
from annotator.refusals import Refusal
from annotator.units import gpu_queue
from annotator.units.models import Network, NetworkAlias
from annotator.units.registering import register_network
from annotator.units.sources import resolve_weights
from workers import contract
from workers.engine.networks.zoo import ZOO
from workers.store import open_store

SUFFIX = ".safetensors"
CANCELED = "The fit was canceled."


class CannotKeep(Refusal):
    """The network cannot be kept there or under that name; the message says why."""


@dataclass(frozen=True)
class Destination:
    """Where networks go: one file and one registered name for each kind of head."""

    files: dict[str, Path]
    names: dict[str, str]

    @classmethod
    def plan(cls, *, out: Path, name: str, heads: Sequence[str]) -> "Destination":
        """Looked at before anything is computed. With several heads, each adds its own to file and name. Raises
        CannotKeep, NameRefused.
        """
        if out.suffix != SUFFIX:
            raise CannotKeep(f"--out takes the name of a file that ends with {SUFFIX}.")
        if not out.absolute().parent.is_dir():
            raise CannotKeep(f"There is no folder {out.absolute().parent}.")
        ends = {head: f"-{head}" if len(heads) > 1 else "" for head in heads}
        stem = name or out.stem
        planned = cls(
            files={head: out.absolute().with_name(f"{out.stem}{end}{SUFFIX}") for head, end in ends.items()},
            names={head: f"{stem}{end}" for head, end in ends.items()},
        )
        kept = [head for head in heads if planned._is_kept(head)]
        # A command that failed between its networks is given again: those that it kept are in nobody's way.
        for head in heads if len(kept) == len(heads) else [head for head in heads if head not in kept]:
            planned._demand_free(head)
        return planned

    def _is_kept(self, head: str) -> bool:
        """True if the file is there and registered under the name."""
        file = self.files[head]
        return file.exists() and Network.objects.filter(name=self.names[head], weights=str(file.resolve())).exists()

    def _demand_free(self, head: str) -> None:
        """Raises CannotKeep, NameRefused."""
        file, name = self.files[head], self.names[head]
        if file.exists():
            raise CannotKeep(f"There is a file {file} already; choose another name or remove it.")
        check_name(name)
        if Network.objects.filter(name=name).exists() or NetworkAlias.objects.filter(name=name).exists():
            raise CannotKeep(f"The name {name!r} stands for another network; choose another with --name.")


def ask_for_surgery(*, network: AskedNetwork, options: dict[str, Any], now: datetime) -> Question:
    """A network cut after a layer; `options` are those of a Recipe but its base and size."""
    return asking.ask(Question(kind=Question.Kind.SURGERY, options=options, asked_at=now), network, now=now)


def ask_for_fit(*, network: AskedNetwork, options: dict[str, Any], now: datetime) -> Question:
    """A network taught; `options` are `images`, a folder, `category`, and those of FitOptions.

    If the same was asked before and did not come to its end, or nobody took its networks, it is that question, opened
    again.
    """
    for question in _find_alike(network, options):
        if _goes_on(question):
            asking.advance(question_id=question.id, now=now)
            return question
    return asking.ask(Question(kind=Question.Kind.FIT, options=options, asked_at=now), network, now=now)


def cancel_fits(*, network: AskedNetwork, options: dict[str, Any], now: datetime) -> int:
    """Ends the open fits of this request, with their checkpoints; returns how many there were."""
    n_ended = 0
    for question in _find_alike(network, options):
        ended = Question.objects.filter(id=question.id, state=Question.State.ASKED).update(
            state=Question.State.REFUSED, refusal=CANCELED, answered_at=now
        )
        if ended:
            gpu_queue.mark_canceled(question.folder, is_canceled=True)
            open_store(question.folder).clear()
        n_ended += ended
    return n_ended


def _find_alike(network: AskedNetwork, options: dict[str, Any]) -> list[Question]:
    """Fits of the same request, the last one first."""
    alike = Question.objects.filter(
        kind=Question.Kind.FIT,
        architecture=network.architecture,
        weights=resolve_weights(network.weights),
        code_folder=network.code_folder,
        options=options,
    )
    return [one for one in alike.order_by("-asked_at") if one.preprocessing == network.preprocessing]


def _goes_on(question: Question) -> bool:
    """True if it is open, or is opened again: a GPU process then takes up its checkpoints, as far as photographs,
    weights and code are what they were. One that came to its end is opened again if nobody took its networks.
    """
    store = open_store(question.folder)
    if question.state == Question.State.ANSWERED and not any(True for _ in store.names("weights")):
        return False
    if question.state == Question.State.REFUSED:
        if question.refusal == CANCELED:
            return False  # GPU processes pass over it from now on: the command begins a new fit
        if store.exists(contract.result_name(0)):
            return False  # the reason of the refusal may be mended by now: a new question
    if question.state != Question.State.ASKED:
        for name in list(store.names("results")):
            store.remove(name)
        question.state, question.refusal, question.n_attempts, question.sent_at = Question.State.ASKED, "", 0, None
        question.answer, question.answered_at = {}, None
        question.save()
    return True


def keep_networks(
    question: Question, heads: Sequence[dict[str, Any]], destination: Destination, *, now: datetime
) -> list[Network]:
    """Writes each head's network to its file, registers it, and lets the question's own files go. Raises CannotKeep."""
    store, kept = open_store(question.folder), []
    for told in heads:
        head = told["head"]
        _write_once(destination.files[head], store.read(contract.weights_name(head)))
        kept.append(
            register_network(
                name=destination.names[head],
                architecture=told["architecture"],
                weights=str(destination.files[head]),
                preprocessing=_state_preprocessing(question),
                code_folder=question.code_folder,
                now=now,
            )
        )
    store.clear()
    return kept


def _state_preprocessing(question: Question) -> dict[str, Any] | None:
    """As it was asked for; a network of the zoo has its own, which its cut architecture does not say."""
    stated: dict[str, Any] | None = question.preprocessing
    return question.answer["preprocessing"] if question.architecture.startswith(ZOO) else stated


def _write_once(path: Path, data: bytes) -> None:
    """Nothing if the file has this content already. Raises CannotKeep, also if it has another one."""
    if not path.exists():
        write_whole(path, data)
    elif path.read_bytes() != data:
        raise CannotKeep(
            f"{path} is another network by now. The network is kept; give the same command again with another --out."
        )


def write_whole(path: Path, data: bytes) -> None:
    """The whole file or none. Raises CannotKeep."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise CannotKeep(
            f"{path} cannot be written: {error.strerror}. The network is kept; give the same command again."
        ) from None
