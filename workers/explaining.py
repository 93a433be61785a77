"""Answers a question about one photograph; in full, for a page that shows it, with files beside the answer."""

import json
from typing import Any

import numpy as np

from workers import config, contract
from workers.engine.explain import Asked as Wanted
from workers.engine.explain import Explained, explain, list_strongest_classes
from workers.engine.format.artifact import pack_arrays
from workers.engine.networks.class_names import name_classes
from workers.job import find_device, write_patiently
from workers.parts import Asked
from workers.workplaces import open_workplace


def explain_photograph(asked: Asked) -> dict[str, Any]:
    """What docs/evidence.md, Explanation, lists. Raises what `explain` raises."""
    options = {name: value for name, value in asked.request.options.items() if name not in contract.PHOTOGRAPH_OPTIONS}
    wanted = Wanted(**{**options, "classes": tuple(options.get("classes", ()))})
    with open_workplace(config.cache_folder() / "photograph") as folder:
        name = contract.CLEAN_PHOTOGRAPH if wanted.in_full else contract.PHOTOGRAPH
        path = asked.target.fetch(name, folder=folder)
        asked.reporter.begin("explaining the photograph", n_total=0)
        found = explain(network=asked.network, path=path, asked=wanted, device=find_device())
    answer = found.answer
    names = name_classes(asked.network, n_classes=answer["n_classes"])
    for one in [*answer["predictions"], *answer.get("ranking", [])]:
        one["label"] = names[one["class_index"]]
    if wanted.in_full:
        answer["class_names"] = names
        _keep_units(asked, found, names)
    return answer


def _keep_units(asked: Asked, found: Explained, names: list[str]) -> None:
    """The maps of all units, and the classes that each unit speaks for and against."""
    maps = pack_arrays({"maps": found.maps, "seen": np.array(found.answer["seen"])})
    write_patiently(asked.target, asked.reporter, contract.UNIT_MAPS, maps)
    if found.head is None:
        return
    strongest = [
        {side: [(index, names[index], weight) for index, weight in classes] for side, classes in unit.items()}
        for unit in list_strongest_classes(found.head)
    ]
    told = {"paths": [found.head.layer, *found.head.same], "form": str(found.head.form), "units": strongest}
    write_patiently(asked.target, asked.reporter, contract.UNIT_CLASSES, json.dumps(told).encode())
