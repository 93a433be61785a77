"""A question about many images, answered by several tasks of the `gpu` queue: a plan, the parts, and what joins them.

The task at position 0 answers a small question itself, or states the parts. The web side then sends one task per part,
to whichever GPU process is free, and at last one that joins them. A part that is done is never measured again.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from workers import contract, leases, store
from workers.contract import QuestionRequest
from workers.engine.format.artifact import Arrays, pack_arrays, unpack_arrays
from workers.engine.networks.loading import LoadedNetwork
from workers.job import write_patiently

# Of what a part holds: another version joins no older ones.
VERSION = 4


class PartsChanged(Exception):
    """What is asked about is not what it was when the question was divided; the message says what to do."""


@dataclass(frozen=True)
class Asked:
    """A question with the network that it is about, and where answer and progress go."""

    request: QuestionRequest
    network: LoadedNetwork
    target: store.Store
    reporter: leases.Reporter


@dataclass(frozen=True)
class Cut:
    """The images first to last - 1 of the set at place `which`."""

    which: int
    first: int
    last: int


class Work(Protocol):
    """What can be divided: `sizes` are the images of each set, `batch` those that a network sees at a time, `key` a
    digest of all that the parts depend on.
    """

    @property
    def sizes(self) -> Sequence[int]: ...
    @property
    def batch(self) -> int: ...
    @property
    def key(self) -> str: ...
    def measure(self, cut: Cut) -> Arrays: ...
    def join(self, parts: Sequence[Sequence[Arrays]]) -> dict[str, Any]:
        """The answer, from the parts of each set in their order."""


def digest_key(network: LoadedNetwork, *asked: Any) -> str:
    """Of the network and of plain values."""
    told = json.dumps([VERSION, network.describe(), *asked], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def cut_sets(sizes: Sequence[int], *, batch: int, shard_images: int) -> list[Cut]:
    """Cuts lie between batches, so that every batch is the same however the sets are cut."""
    size = max(1, shard_images // batch) * batch
    return [
        Cut(which, first, min(first + size, n_images))
        for which, n_images in enumerate(sizes)
        for first in range(0, n_images, size)
    ]


def answer_in_parts(asked: Asked, work: Work, *, shard_images: int) -> dict[str, Any]:
    """What the task at this position gives: a plan, a part's size, or the answer. Raises PartsChanged."""
    cuts, position = cut_sets(work.sizes, batch=work.batch, shard_images=shard_images), asked.request.position
    if position == 0:
        if len(cuts) > 1:
            return {contract.PARTS: [cut.last - cut.first for cut in cuts], "key": work.key}
        return work.join([[work.measure(cut) for cut in cuts]])
    plan = json.loads(asked.target.read(contract.result_name(0)))
    if plan["key"] != work.key:
        raise PartsChanged("The network, its file or the list of images changed while this was measured. Ask again")
    if position <= len(cuts):
        cut = cuts[position - 1]
        data = pack_arrays(work.measure(cut))
        write_patiently(asked.target, asked.reporter, contract.part_name(position), data)
        return {"n_images": cut.last - cut.first}
    asked.reporter.begin("joining the parts", n_total=0)
    found: list[list[Arrays]] = [[] for _ in work.sizes]
    for place, cut in enumerate(cuts, start=1):
        found[cut.which].append(unpack_arrays(asked.target.read(contract.part_name(place))))
    return work.join(found)
