"""The GPU process's tasks: survey, measure one shard, merge. They have no database.

Each writes its result into the artifact store and then tells the web queue to look; a task whose result
exists returns at once, so any of them may run twice. Start with `celery -A workers.tasks worker -Q gpu --pool solo`.
"""

import json
import logging
import resource
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from celery.signals import celeryd_init, worker_ready, worker_shutdown
from numpy.typing import NDArray

from workers import answering, config, contract, cropping, cutting, leases, store
from workers.app import app
from workers.contract import TaskRequest
from workers.engine import complete, dissect
from workers.engine.estimate_memory import make_estimator
from workers.engine.format.artifact import pack_arrays, unpack_arrays
from workers.engine.images.label_table import ImageSetError
from workers.engine.measures import tally
from workers.engine.measures.empirical_fields.arrays import EmpiricalFieldOptions
from workers.engine.measures.options import DissectionOptions, OptionsInvalid
from workers.engine.measures.tally import Tally
from workers.engine.measures.thresholds.thresholds import TooLittleKept
from workers.engine.networks.saved_activations import SavedNetwork
from workers.engine.plurals import say_count
from workers.fitting import DoesNotFit, check_room
from workers.growing import take_shard
from workers.job import Job, find_device, wait_for_space, write_patiently
from workers.label_cache import keep_labels, load_labels
from workers.opened import REFUSED
from workers.valkey import send_task

logger = logging.getLogger(__name__)
_signs_of_life = ExitStack()
OTHER_FILES = 512

# Another attempt would find the same: the reason goes to the person who asked.
BAD_INPUT = (
    *REFUSED, ImageSetError, OptionsInvalid, dissect.UnitNotFinite, complete.NothingMeasured, DoesNotFit,
    TooLittleKept,
)  # fmt: skip


Work = Callable[[Job], dict[str, Any]]


@celeryd_init.connect
def refuse_bad_settings(**_: object) -> None:
    try:
        config.check_settings()
    except config.BadValue as error:
        raise SystemExit(str(error)) from None


@worker_ready.connect
def show_life(**_: object) -> None:
    """Dashboard and commands see this process for as long as it answers."""
    key, device = contract.GPU_PROCESS_KEY + leases.process_name(), find_device()
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {say_count(torch.get_num_threads(), 'thread')}"
    beat = leases.repeated(url=config.broker_url, act=lambda client: client.set(key, name, ex=contract.ALIVE_SECONDS))
    _signs_of_life.enter_context(beat)


@worker_shutdown.connect
def end_life(**_: object) -> None:
    _signs_of_life.close()
    with leases.connect(config.broker_url) as client:
        client.delete(contract.GPU_PROCESS_KEY + leases.process_name())


@app.task(name=contract.SURVEY)
def survey(message: dict[str, Any]) -> None:
    """Counts the images and refuses in words what cannot be dissected, before any image is read."""
    _run(message, _survey)


@app.task(name=contract.MEASURE)
def measure(message: dict[str, Any]) -> None:
    """Streams one shard through the network and keeps its tally."""
    _run(message, _measure)


@app.task(name=contract.MERGE)
def merge(message: dict[str, Any]) -> None:
    """Joins the tallies and labels the units. Cuts the crops of few units and writes the artifact, or leaves parts."""
    _run(message, _merge)


@app.task(name=contract.CROP)
def crop(message: dict[str, Any]) -> None:
    """Cuts the crops of some units."""
    _run(message, cropping.crop)


@app.task(name=contract.FINISH)
def finish(message: dict[str, Any]) -> None:
    """Joins the crops and writes the artifact."""
    _run(message, cropping.finish)


@app.task(name=contract.ANSWER)
def answer(message: dict[str, Any]) -> None:
    """Answers one question about where and why, for whoever waits."""
    answering.answer_question(contract.QuestionRequest.from_json(message))


@app.task(name=contract.CUT)
def cut(message: dict[str, Any]) -> None:
    """Cuts crops of units that somebody looks at, of a dissection that did not cut them."""
    cutting.cut_strips(contract.CutRequest.from_json(message))


def _run(message: dict[str, Any], work: Work) -> None:
    request = TaskRequest.from_json(message)
    dissection = request.dissection
    target = store.open_store(dissection.artifact)
    if leases.is_canceled(url=config.broker_url, artifact=dissection.artifact):
        return
    if not target.exists(contract.result_name(request.position)):
        with leases.lease(
            url=config.broker_url,
            dissection_id=dissection.dissection_id,
            artifact=dissection.artifact,
            position=request.position,
            attempt=request.attempt,
        ) as reporter:
            write_patiently(target, reporter, *_attempt(request, target, reporter, work))
    send_task(contract.ADVANCE, dissection.dissection_id, queue="web")


def _attempt(request: TaskRequest, target: store.Store, reporter: leases.Reporter, work: Work) -> tuple[str, bytes]:
    """The name and content of what this attempt leaves behind: a result, or the reason why there is none yet.

    A refusal says which network was loaded, if one was: it is registered, although it could not be dissected so.
    """
    job: Job | None = None
    try:
        job = Job(request, DissectionOptions.from_json(request.dissection.options), target, reporter)
        # A full disk is no failure of the work, which begins again when there is space.
        done = wait_for_space(reporter, partial(work, job))
        return contract.result_name(request.position), json.dumps(done).encode()
    except BAD_INPUT as error:
        refusal = {"error": str(error), "network": job.describe_loaded() if job else None}
        return contract.result_name(request.position), json.dumps(refusal).encode()
    except Exception as error:  # anything else may pass: the web side counts the attempts
        logger.exception("Attempt %s of task %s failed.", request.attempt, request.position)
        return contract.failure_name(request.position, request.attempt), f"{type(error).__name__}: {error}".encode()


def _survey(job: Job) -> dict[str, Any]:
    job.reporter.begin("loading the network", n_total=0)
    if isinstance(job.network, SavedNetwork) and job.options.of(EmpiricalFieldOptions).occluded_images:
        raise OptionsInvalid("Saved activations have no network to occlude: leave out --receptive-fields.")
    shapes = dissect.survey(
        network=job.network, layers=job.dissection.layers, device=find_device(), options=job.options
    )
    job.reporter.begin("reading the image set", n_total=0)
    dissect.check_first_images(
        network=job.network, shapes=shapes, image_set=job.image_set, options=job.options, device=find_device()
    )
    estimator = make_estimator(
        shapes=shapes.values(),
        image_set=job.image_set,
        options=job.options,
        input_px=job.network.preprocessing.input_px,
    )
    stages = {"measure": estimator.measure(shard_images=job.dissection.shard_images), "merge": estimator.merge()}
    check_room(stages=stages, room=job.room, always_spills=job.dissection.spill)
    seconds = dissect.estimate_seconds(
        network=job.measured_network,
        layers=job.dissection.layers,
        image_set=job.image_set,
        options=job.options,
        device=find_device(),
    )
    whole = len(job.image_set.paths)
    job.reporter.begin("reading the image set", n_total=whole)
    for first in range(0, whole, contract.SHARD_IMAGES):
        job.contents.read(range(first, min(whole, first + contract.SHARD_IMAGES)))
        job.reporter.set_done(first)
    job.save(contract.CONTENTS, pack_arrays(job.contents.to_arrays()))
    return {
        "n_images": len(job.image_set.paths),
        "image_set_sha256": job.image_set.sha256,
        "content_sha256": job.contents.sha256(),
        "has_labels": job.image_set.labels is not None,
        "passed_over": [asdict(one) for one in job.image_set.passed_over],
        "network": job.describe_loaded(),
        "note": "\n".join(filter(None, [job.network.note, *job.image_set.notes])),
        "batch_size": job.options.run.batch_size,
        "layers": {path: shape.n_units for path, shape in shapes.items()},
        "seconds_of_pass": seconds,
        "memory": {stage: {**asdict(need), "spills": job.spills(need)} for stage, need in stages.items()},
    }


def _measure(job: Job) -> dict[str, Any]:
    request = job.request
    job.reporter.begin("loading the network", n_total=0)
    images = range(request.first_image, request.end_image)
    job.demand_unchanged(images)
    with job.scratch() as folder:
        if taken := take_shard(job, folder=folder):
            return {**_keep_shard(job, request.position, taken), "is_taken": True}
    return _keep_shard(job, request.position, _measure_images(job, images))


def _measure_images(job: Job, images: range) -> Tally:
    image_set, first, last, folder = job.image_set, images.start, images.stop, config.label_folder()
    shown = job.contents.labels[first:last]
    packed = load_labels(image_set=image_set, first=first, last=last, folder=folder, contents=shown)
    job.reporter.begin("measure", n_total=last - first)
    with job.spill("measure") as spill:
        measured = dissect.measure_shard(
            network=job.measured_network,
            layers=job.dissection.layers,
            image_set=image_set,
            options=job.options,
            shard=dissect.Shard(first, last, _best_bounds(job.target), packed),
            means=dissect.Means(device=find_device(), spill=spill, progress=job.reporter.set_done),
        )
    job.demand_unchanged(range(first, last))
    if measured.labels is not None and packed is None:
        keep_labels(image_set=image_set, first=first, last=last, folder=folder, contents=shown, labels=measured.labels)
    return measured


def _keep_shard(job: Job, position: int, measured: Tally) -> dict[str, Any]:
    job.save_file(contract.tally_name(position), partial(tally.save_tally, measured))
    job.save(contract.bounds_name(position), pack_arrays(dissect.bounds_of(measured)))
    return {"n_images": len(measured.images), "n_quarantined": len(measured.quarantined)}


def _merge(job: Job) -> dict[str, Any]:
    shards, whole = job.request.shards, range(len(job.image_set.paths))
    job.demand_unchanged(whole)
    job.reporter.begin("merge", n_total=len(shards))
    _allow_files(len(shards))
    with job.spill("merge") as spill, job.scratch() as folder:
        parts = [tally.load_tally(job.target.fetch(name, folder=folder)) for name in shards]
        for place in dissect.list_unknown(parts, options=job.options):
            covered = sorted(parts[place].covered())
            parts[place] = _measure_images(job, range(covered[0], covered[-1] + 1))
        merged, left = tally.merge_tallies(parts, spill=spill), cropping.Parts(job)
        completion = complete.prepare(
            network=job.measured_network,
            image_set=job.image_set,
            tally=merged,
            options=job.options,
            save=job.save,
            progress=job.show,
        )
        completion = replace(completion, keep_part=left.keeper(completion.layers))
        found = complete.draft(completion, tally=merged, device=find_device())
        done = left.save_draft(found) if left.n_units else {"sha256": found.write(job.save)["sha256"]}
    job.demand_unchanged(whole)
    return done


def _allow_files(n_shards: int) -> None:
    """Each tally keeps its file open while it is merged; the usual limit is 1,024 files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n_shards + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )


def _best_bounds(target: store.Store) -> dict[str, NDArray[np.float32]]:
    """What the finished shards tell of each unit's threshold: a cold start prunes with it."""
    told: dict[str, list[NDArray[np.float32]]] = {}
    for name in target.names("shards"):
        if "bounds" in name:
            for layer, bound in unpack_arrays(target.read(name)).items():
                told.setdefault(layer, []).append(bound)
    return {layer: np.concatenate(parts, axis=1) for layer, parts in told.items()}
