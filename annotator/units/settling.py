"""Settles which network and image set a dissection measures, once a GPU process has read them and knows the digests.

A network is registered before its tensors are known. If the same tensors and code are registered already, the
dissection goes to that network; if the file behind the name holds other tensors than before, a new version is made.
The same with a folder of images: what holds other files than before is a new version of the image set.
"""

import json
from typing import Any

from django.db.models import Q

from annotator.units.models import Dissection, ImageSet, Network, NetworkAlias
from annotator.units.names import find_free_name
from workers.contract import IDENTITY
from workers.engine.format.artifact import MANIFEST
from workers.engine.networks.saved import SAVED
from workers.store import StoreError, open_store

# Architectures whose random weights depend on nothing but the seed.
NAMED = ("torchvision:", "unitscope:")


def settle_network(dissection: Dissection, found: dict[str, Any]) -> None:
    """Give the dissection the network with the digests that were found (the caller's transaction)."""
    asked = dissection.network
    # Two dissections that end their surveys at once do not both register the same network.
    list(Network.every.select_for_update().filter(architecture=asked.architecture).order_by("id"))
    asked.refresh_from_db()
    network = _find_twin(asked, found) or (asked if _may_become(asked, found) else _add_version(asked))
    for field in IDENTITY:
        setattr(network, field, found[field])
    network.weights = dissection.weights
    network.code_folder = dissection.code_folder or network.code_folder
    network.is_refused = False
    network.save()
    if network != asked:
        dissection.network = network
        dissection.save(update_fields=["network"])
        _drop_if_unused(asked, network)


def settle_image_set(dissection: Dissection, survey: dict[str, Any]) -> None:
    """Give the dissection the version of its image set that was surveyed (the caller's transaction)."""
    asked = dissection.image_set
    same = ImageSet.objects.filter(address=asked.address, labels=asked.labels)
    versions = list(same.select_for_update().order_by("id"))
    found = next((one for one in versions if _is_version(one, survey)), None) or ImageSet(
        name=find_free_name(ImageSet, versions[0].name),
        address=asked.address,
        labels=asked.labels,
        is_rendered=asked.is_rendered,
        registered_at=dissection.created_at,
    )
    found.sha256, found.content_sha256 = survey["image_set_sha256"], survey["content_sha256"]
    found.has_labels, found.n_images = survey["has_labels"], survey["n_images"]
    found.save()
    if found != asked:
        dissection.image_set = found
        dissection.save(update_fields=["image_set"])


def _is_version(one: ImageSet, survey: dict[str, Any]) -> bool:
    """True if nothing was surveyed of it yet, or the same files; sets of before were known by names and sizes alone."""
    if not one.sha256:
        return True
    return one.sha256 == survey["image_set_sha256"] and one.content_sha256 in ("", survey["content_sha256"])


def refuse_network(dissection: Dissection) -> None:
    """Take back a network that could not be loaded, unless something else is known of it."""
    network = dissection.network
    known = network.weights_sha256 or network.layers.exists() or network.dissections.exclude(pk=dissection.pk).exists()
    if not known:
        network.is_refused = True
        network.save(update_fields=["is_refused"])


def same_preprocessing(preprocessing: dict[str, Any] | None) -> Q:
    """Networks with this preprocessing; a JSON column that is null equals nothing."""
    return Q(preprocessing__isnull=True) if preprocessing is None else Q(preprocessing=preprocessing)


def _find_twin(asked: Network, found: dict[str, Any]) -> Network | None:
    """The registered network of these tensors and this code, the asked one first."""
    twins = Network.objects.filter(
        same_preprocessing(asked.preprocessing),
        architecture=asked.architecture,
        weights_sha256=found["weights_sha256"],
        source_sha256=found["source_sha256"],
    ).order_by("id")
    return next((twin for twin in twins if twin == asked), twins.first())


def _may_become(asked: Network, found: dict[str, Any]) -> bool:
    """True if nothing was measured of the network yet, or all that was came from the same file."""
    if asked.weights_sha256:
        return False
    done = asked.dissections.filter(state=Dissection.State.DONE).order_by("-created_at").first()
    if done is None:
        return True
    if not found["file_sha256"]:
        return asked.architecture.startswith(NAMED)
    return _read_file_digest(done) == str(found["file_sha256"])


def _read_file_digest(dissection: Dissection) -> str:
    """The digest of the weights' file that artifacts stated before they stated that of the tensors."""
    try:
        stated = json.loads(open_store(dissection.artifact).read(MANIFEST))["network"]
    except (StoreError, OSError, ValueError, KeyError):
        return ""
    return "" if "weights_from" in stated and stated["architecture"] != SAVED else str(stated["weights_sha256"])


def _add_version(asked: Network) -> Network:
    """Another network of the same architecture and address, named after the first of them with a number."""
    versions = Network.objects.filter(
        same_preprocessing(asked.preprocessing), architecture=asked.architecture, weights=asked.weights
    )
    first = versions.order_by("id").first() or asked
    return Network(
        name=find_free_name(Network, first.name),
        architecture=asked.architecture,
        preprocessing=asked.preprocessing,
        registered_at=asked.registered_at,
    )


def _drop_if_unused(asked: Network, network: Network) -> None:
    """A network that was registered for this dissection alone: its name leads to the other from now on."""
    if asked.weights_sha256 or asked.layers.exists() or asked.dissections.exists():
        return
    name = asked.name
    asked.aliases.update(network=network)
    asked.delete()
    NetworkAlias.objects.create(name=name, network=network)
