"""Read-outs: fits one to photographs, and reads one photograph with it. docs/readouts.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers import config, contract, store
from workers.contract import QuestionRequest
from workers.engine.format.artifact import pack_arrays
from workers.engine.readouts.bench import Bench
from workers.engine.readouts.features import ReadLayer
from workers.engine.readouts.fit import fit_readout
from workers.engine.readouts.options import Options, ReadoutInvalid
from workers.engine.readouts.readout import Readout
from workers.engine.readouts.show import show_readout
from workers.engine.readouts.shown import Wanted
from workers.fetching import fetch_folder
from workers.job import find_device, write_patiently
from workers.parts import Asked
from workers.training import Keeper
from workers.workplaces import open_workplace

WANTED = ("question", "answer", "against", "n_units")


def learn_readout(asked: Asked) -> dict[str, Any]:
    """The report; the read-out goes to its own folder. The options are `readout`, its id, `task`, `layer` ("" for the
    one that the head pools) and those of Options. Raises ReadoutInvalid, NoHead, LayerError, NetworkError,
    ImageSetError.
    """
    stated = asked.request.options
    options = Options.from_json(stated)
    asked.reporter.begin("opening the data", n_total=0)
    bench = Bench(
        layer=ReadLayer.find(asked.network, stated["layer"], device=find_device()),
        options=options,
        data=_find_data(options.data),
        images=_find_data([options.images])[0] if options.images else None,
        store=_Features(asked, store.open_store(_find_root(asked.request, contract.FEATURES))),
        checkpoint=Keeper(asked, "safetensors").checkpoint,
        progress=lambda *told: _show(asked, *told),
    )
    readout, report = fit_readout(stated["task"], bench)
    target = store.open_store(_find_root(asked.request, contract.readout_folder(stated["readout"])))
    readout.write(lambda name, data: write_patiently(target, asked.reporter, name, data))
    for name in list(asked.target.names("checkpoints")):
        asked.target.remove(name)
    return report


def read_photograph(asked: Asked) -> dict[str, Any]:
    """What a read-out says of the question's photograph. The options are `readout` and those of Wanted. Raises
    ReadoutInvalid, LayerError, NetworkError, ImageUnreadable.
    """
    stated = asked.request.options
    source = store.open_store(_find_root(asked.request, contract.readout_folder(stated["readout"])))
    try:
        readout = Readout.read(source.read)
    except store.NotStored:
        raise ReadoutInvalid("The read-out was deleted, or its files are gone. Fit it again") from None
    wanted = Wanted(**{name: stated[name] for name in WANTED if name in stated})
    with open_workplace(config.cache_folder() / "photograph") as folder:
        name = contract.CLEAN_PHOTOGRAPH if stated.get("in_full") else contract.PHOTOGRAPH
        path = asked.target.fetch(name, folder=folder)
        asked.reporter.begin("reading the photograph", n_total=0)
        answer, maps = show_readout(
            readout=readout, network=asked.network, path=path, wanted=wanted, device=find_device()
        )  # fmt: skip
    if stated.get("in_full"):
        write_patiently(asked.target, asked.reporter, contract.UNIT_MAPS, pack_arrays({"maps": maps}))
    return answer


def _find_root(request: QuestionRequest, below: str) -> str:
    """An address below the artifact root, whose questions/<id> is the question's folder."""
    return f"{request.artifact.removesuffix(f'questions/{request.question_id}')}{below}"


def _find_data(addresses: Sequence[str]) -> list[Path]:
    """Files and folders of this machine; folders of a store are fetched."""
    cache, most = config.cache_folder(), config.max_fetched_bytes()
    return [
        fetch_folder(one, cache=cache, max_bytes=most) if one.startswith("s3://") else Path(one) for one in addresses
    ]


@dataclass(frozen=True)
class _Features:
    """The store of pooled units; if it is full, the task waits."""

    asked: Asked
    kept: store.Store

    def exists(self, name: str) -> bool:
        return self.kept.exists(name)

    def read(self, name: str) -> bytes:
        return self.kept.read(name)

    def write(self, name: str, data: bytes) -> None:
        write_patiently(self.kept, self.asked.reporter, name, data)


def _show(asked: Asked, stage: str, n_done: int, n_total: int) -> None:
    if asked.reporter.stage != stage:
        asked.reporter.begin(stage, n_total=n_total)
    asked.reporter.set_done(n_done)
