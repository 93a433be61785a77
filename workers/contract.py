"""What the web side and the GPU processes say to each other: versioned JSON, ids and parameters, no secrets."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

VERSION = 1

# Tasks on the `gpu` queue.
SURVEY = "workers.tasks.survey"
MEASURE = "workers.tasks.measure"
MERGE = "workers.tasks.merge"
CROP = "workers.tasks.crop"
FINISH = "workers.tasks.finish"
ANSWER = "workers.tasks.answer"
CUT = "workers.tasks.cut"
# The hint that a GPU process sends to the `web` queue when a task has ended.
ADVANCE = "annotator.units.tasks.advance_dissection"
TAKE_ANSWER = "annotator.evidence.tasks.take_answer"

# A task that failed this often is given up.
MAX_ATTEMPTS = 3
# The largest file that may be sent to an installation.
MAX_UPLOAD_BYTES = 4 << 30
# Images of one measure task, unless the dissection says otherwise.
SHARD_IMAGES = 512
# Photographs of one part of a localization, unless the question says otherwise.
LOCALIZED_IMAGES = 256
# Options on which shards do not depend: crops are cut when the shards are joined.
NOT_OF_SHARDS = ("dimming",)
LEASE_SILENT_SECONDS = 30
LEASE_EVERY_SECONDS = 3
# A GPU process that finds the store full tries again this often; its stage begins with the word.
FULL_STORE_SECONDS = 10
PAUSED = "paused"
# How long a GPU process counts as answering after its last sign of life.
ALIVE_SECONDS = 15
GPU_PROCESS_KEY = "unitscope:gpu-process:"
# How long it is known that a dissection was canceled: longer than its messages wait.
CANCELED_SECONDS = 30 * 86_400


class ContractMismatch(Exception):
    """The message was written by another version of Unitscope; the sender and the GPU process must be the same."""


@dataclass(frozen=True)
class DissectionRequest:
    """Everything a GPU process must know to survey, measure or merge one dissection."""

    dissection_id: str
    architecture: str
    weights: str
    preprocessing: dict[str, Any] | None
    layers: list[str]
    images: str
    artifact: str
    # What a person said of the images' labels: a file, a folder, `none`, `folders`; empty: found by look.
    labels: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    # How the work is done, not what comes of it: images of a shard, whether kept cells go to disk in any case, and
    # bytes of memory that may be taken (0: what is free).
    shard_images: int = SHARD_IMAGES
    spill: bool = False
    memory_limit: int = 0
    # Where the code of a function's network lies; empty: where Python looks anyway.
    code_folder: str = ""
    # The artifact of a dissection that measured an earlier version of the image set; empty: none is known.
    grown_from: str = ""
    version: int = VERSION

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "DissectionRequest":
        if data.get("version") != VERSION:
            raise ContractMismatch(f"The message has version {data.get('version')}, this GPU process {VERSION}.")
        return cls(**data)


# What a network can be asked about where and why (docs/evidence.md).
HEADS, EXPLAIN, LOCALIZE, SURGERY, FIT = "heads", "explain", "localize", "surgery", "fit"
# Which layers it has, to pick from.
LAYERS = "layers"
IMPORTANCE, ABLATE = "importance", "ablate"
# What its units do on one photograph, and which units feed which (docs/looking.md).
LOOK, WALK = "look", "walk"
# What one unit and one class look at in it, beside the same of random weights (docs/evidence.md, Views).
VIEW = "view"
# Read-outs: one fitted, and a photograph read with one (docs/readouts.md).
LEARN, READ = "learn", "read"
# Where the photograph of a question lies in its folder, as it came.
PHOTOGRAPH = "photograph"
# A full answer has files beside it: the photograph upright and without metadata, as the network sees it and as pages
# show it, what is known of it, the maps of all units, the classes that each unit speaks for and against, and the labels
# of its pixels if it is of a labeled image set.
CLEAN_PHOTOGRAPH, SHOWN_PHOTOGRAPH, ABOUT_PHOTOGRAPH = "photograph.png", "shown.jpg", "photograph.json"
UNIT_MAPS, UNIT_CLASSES, PIXEL_LABELS = "unit-maps.npz", "unit-classes.json", "pixel-labels.npz"
# Of a walk, the strongest units before and after each unit.
STRONGEST = "strongest.npz"
# Of views, one picture for each subject, method and whose weights.
VIEWS, WHOSE = "views.npz", ("own", "random")
# A result at position 0 with this key is no answer but states how many images each part has.
PARTS = "parts"
# Options that name a photograph of an image set: the set's address and the photograph's path in it.
PHOTOGRAPH_OPTIONS = ("images", "image", "labels")


@dataclass(frozen=True)
class QuestionRequest:
    """A question to one network: `kind` is one of these. The answer goes to the folder `artifact` as the result of its
    position.
    """

    question_id: str
    kind: str
    architecture: str
    weights: str
    preprocessing: dict[str, Any] | None
    artifact: str
    attempt: int
    options: dict[str, Any] = field(default_factory=dict)
    code_folder: str = ""
    # 0: the question itself; of one that is answered in parts also those of its parts, and the one after them, which
    # joins them.
    position: int = 0
    version: int = VERSION

    # The whole network is loaded: no part of it may be left out for the sake of a layer.
    @property
    def layers(self) -> list[str]:
        return []

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "QuestionRequest":
        if data.get("version") != VERSION:
            raise ContractMismatch(f"The message has version {data.get('version')}, this GPU process {VERSION}.")
        return cls(**data)


@dataclass(frozen=True)
class TaskRequest:
    """One GPU task of a dissection: a stage, its place, and for a shard the run of images it measures."""

    dissection: DissectionRequest
    position: int
    attempt: int
    first_image: int = 0
    end_image: int = 0
    # The tallies that a merge reads, or the crops that the last task joins.
    shards: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "TaskRequest":
        return cls(**{**data, "dissection": DissectionRequest.from_json(data["dissection"])})


@dataclass(frozen=True)
class CutRequest:
    """Whose crops are to be cut now: some units of one layer of a finished dissection, which did not cut them.

    `place` is the layer's in the dissection. `strips` are the names of the units' strips: under them it is known what
    became of the request.
    """

    artifact: str
    images: str
    labels: str
    place: int
    units: list[int]
    strips: list[str]
    version: int = VERSION

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "CutRequest":
        if data.get("version") != VERSION:
            raise ContractMismatch(f"The message has version {data.get('version')}, this GPU process {VERSION}.")
        return cls(**data)


# How long a request to cut crops counts as under way: if the queue is empty, and while messages wait there. Then how
# long it is known why they cannot be cut. After that whoever still waits asks again.
CUTTING_SECONDS, CUTTING_KEPT_SECONDS, UNCUT_SECONDS = 30, 3600, 60


def cutting_key(artifact: str, strip: str) -> str:
    """Empty while a strip is being cut, else the reason why it cannot be; by the artifact folder's name."""
    return f"unitscope:cutting:{PurePosixPath(artifact).name}:{strip}"


def tally_name(position: int) -> str:
    """Where a shard's tally lies in the dissection's artifact folder."""
    return f"shards/tally-{position:05d}.npz"


# What a merge leaves to the tasks that cut crops, and to the last one; in no finished dissection.
CROPS_FOLDER = "crops"
DRAFT = f"{CROPS_FOLDER}/draft.json"


def draft_layer_name(place: int) -> str:
    """Where a layer's arrays lie while its crops are cut."""
    return f"{CROPS_FOLDER}/layer-{place}.npz"


def uncut_name(position: int) -> str:
    """Where the task of that position finds what to cut crops from."""
    return f"{CROPS_FOLDER}/part-{position:05d}.npz"


def cut_name(position: int) -> str:
    """Where that task leaves the boxes, masks and names of the strips that it cut."""
    return f"{CROPS_FOLDER}/cut-{position:05d}.npz"


def bounds_name(position: int) -> str:
    """Where a shard's lower bounds of thresholds lie, for shards that start after it."""
    return f"shards/bounds-{position:05d}.npz"


def result_name(position: int) -> str:
    """Where a task's result lies: small JSON with what it found or why it cannot be done."""
    return f"results/{position:05d}.json"


# What tells one network from another, as a survey states it.
IDENTITY = ("weights_sha256", "source_sha256", "weights_from")
# Where a survey leaves the digests of the image set's files, for the tasks after it and in the artifact.
CONTENTS = "contents.npz"
SURVEY_POSITION = 0


def readout_folder(readout_id: str) -> str:
    """Where a read-out lies below the artifact root."""
    return f"readouts/{readout_id}"


# Below the artifact root: pooled units, in one folder for each network, layer and list of photographs.
FEATURES = "features"


def weights_name(head: str) -> str:
    """Where surgery and fits leave the network with that kind of head."""
    return f"weights/{head}.safetensors"


def checkpoint_name(run: str, *, ending: str = "pt") -> str:
    """Where a run of a fit that has not ended is kept."""
    return f"checkpoints/{run}.{ending}"


def kept_name(stage: str) -> str:
    """Where a stage of a long answer that is not there yet is kept."""
    return f"checkpoints/{stage}.npz"


def part_name(position: int) -> str:
    """Where a part of a question's answer lies until the parts are joined."""
    return f"parts/{position:05d}.npz"


def picture_name(group: str, place: int) -> str:
    """Where a picture of a localization's report lies; the groups are `worst` and `best`."""
    return f"pictures/{group}-{place:02d}.jpg"


def failure_name(position: int, attempt: int) -> str:
    """Where the reason lies for which an attempt failed in a way that another attempt may not."""
    return f"results/{position:05d}.failed-{attempt}.txt"


@dataclass(frozen=True)
class Progress:
    """A GPU process's last word on a task."""

    attempt: int
    stage: str
    n_done: int
    n_total: int
    started_at: float
    beat_at: float
    process: str

    def dumps(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, data: str | bytes) -> "Progress":
        return cls(**json.loads(data))


def lease_key(dissection_id: str, position: int) -> str:
    return f"unitscope:lease:{dissection_id}:{position}"


def canceled_key(artifact: str) -> str:
    """Set if nobody wants what is written to this artifact folder; by the folder's name, wherever it is mounted."""
    return f"unitscope:canceled:{PurePosixPath(artifact).name}"
