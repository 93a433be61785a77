"""Answers a question to one network: the network is opened as for a dissection, the answer is small JSON in the store.

An answer that exists is not computed again; the web side takes it from the store, and counts attempts that failed.
"""

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from kombu.exceptions import OperationalError

from workers import config, contract, leases, store
from workers.app import app
from workers.contract import QuestionRequest
from workers.engine.ablate import AblationInvalid
from workers.engine.evidence.box_files.boxed_images import BoxesInvalid
from workers.engine.evidence.finding import find_head
from workers.engine.explain import QuestionInvalid, describe_head
from workers.engine.images.decoding import ImageUnreadable
from workers.engine.images.label_table import ImageSetError
from workers.engine.networks.checkpoints import NetworkError
from workers.engine.networks.module_tree import list_parts
from workers.engine.networks.saved_activations import SavedNetwork
from workers.engine.networks.surgery_recipe import RecipeInvalid
from workers.engine.readouts.options import ReadoutInvalid
from workers.engine.training.options import FitInvalid
from workers.explaining import explain_photograph
from workers.job import find_device, wait_for_space, write_patiently
from workers.localizing import localize_set
from workers.looking import look_at_photograph
from workers.opened import REFUSED, open_network
from workers.parts import Asked, PartsChanged
from workers.photographs import keep_photograph
from workers.reading_out import learn_readout, read_photograph
from workers.training import cut_network, fit_network
from workers.viewing import view_photograph
from workers.walking import walk_network
from workers.weighing import ablate_units, weigh_units

logger = logging.getLogger(__name__)

# Another attempt would find the same.
BAD_INPUT = (
    *REFUSED, ImageUnreadable, QuestionInvalid, BoxesInvalid, ImageSetError, RecipeInvalid, FitInvalid, AblationInvalid,
    PartsChanged, ReadoutInvalid,
)  # fmt: skip


def answer_question(request: QuestionRequest) -> None:
    """Leaves an answer, or the reason why there is none; then tells the web queue."""
    target = store.open_store(request.artifact)
    if leases.is_canceled(url=config.broker_url, artifact=request.artifact):
        target.clear()  # of an attempt whose GPU process died before it could clear them
        return
    is_unwanted = False
    if not target.exists(contract.result_name(request.position)):
        with leases.lease(
            url=config.broker_url,
            dissection_id=request.question_id,
            artifact=request.artifact,
            position=request.position,
            attempt=request.attempt,
        ) as reporter:
            write_patiently(target, reporter, *_attempt(request, target, reporter))
        is_unwanted = reporter.canceled.is_set()  # known even if the broker went away since
    if is_unwanted or leases.is_canceled(url=config.broker_url, artifact=request.artifact):
        target.clear()  # somebody deleted the question while it was answered
        return
    try:
        app.send_task(contract.TAKE_ANSWER, args=[request.question_id], queue="web")
    except (OperationalError, OSError):
        logger.warning("The broker is away; the sweeper will find the answer to %s.", request.question_id)


def _attempt(request: QuestionRequest, target: store.Store, reporter: leases.Reporter) -> tuple[str, bytes]:
    try:
        found = wait_for_space(reporter, partial(_answer, request, target, reporter))
        return contract.result_name(request.position), json.dumps(found, allow_nan=False).encode()
    except BAD_INPUT as error:
        return contract.result_name(request.position), json.dumps({"error": in_words(error)}).encode()
    except Exception as error:  # anything else may pass: the web side counts the attempts
        logger.exception("Attempt %s of question %s failed.", request.attempt, request.question_id)
        return contract.failure_name(request.position, request.attempt), f"{type(error).__name__}: {error}".encode()


def in_words(error: Exception) -> str:
    """The reason as a sentence; what a decoder says begins in the middle of one."""
    said = str(error).strip().rstrip(".")
    return f"The photograph cannot be used: {said}." if isinstance(error, ImageUnreadable) else f"{said}."


def _answer(request: QuestionRequest, target: store.Store, reporter: leases.Reporter) -> dict[str, Any]:
    # Somebody looks at a page: the photograph comes first.
    if request.kind in (contract.LOOK, contract.VIEW) or request.options.get("in_full"):
        keep_photograph(request, target, reporter)
    reporter.begin("loading the network", n_total=0)
    opened = open_network(request=request, surveyed=None, device=find_device())
    if isinstance(opened.network, SavedNetwork):
        raise NetworkError("Saved activations have no network to ask: neither classes nor other photographs.")
    found = KINDS[request.kind](Asked(request, opened.network, target, reporter))
    return {"network": opened.identity(), "note": opened.network.note, **found}


def _answer_heads(asked: Asked) -> dict[str, Any]:
    return {"head": describe_head(find_head(asked.network))}


def _answer_layers(asked: Asked) -> dict[str, Any]:
    module, input_px = asked.network.module, asked.network.preprocessing.input_px
    return {"layers": list_parts(module=module, input_px=input_px, device=find_device())}


KINDS: dict[str, Callable[[Asked], dict[str, Any]]] = {
    contract.HEADS: _answer_heads,
    contract.LAYERS: _answer_layers,
    contract.EXPLAIN: explain_photograph,
    contract.LOCALIZE: localize_set,
    contract.SURGERY: cut_network,
    contract.FIT: fit_network,
    contract.IMPORTANCE: weigh_units,
    contract.ABLATE: ablate_units,
    contract.LOOK: look_at_photograph,
    contract.VIEW: view_photograph,
    contract.WALK: walk_network,
    contract.LEARN: learn_readout,
    contract.READ: read_photograph,
}
