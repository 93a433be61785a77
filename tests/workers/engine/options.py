"""Options of dissections, shards, and checks of artifacts, for the engine's tests and the benchmarks."""

from typing import Any

from workers.engine.format.artifact import Artifact, ArtifactMalformed, content_sha256
from workers.engine.measures.options import DissectionOptions

# Without and with compiled loops.
LOOPS = (False, True)


def make_options(**values: Any) -> DissectionOptions:
    """Options by their names; those that are not given keep their defaults. Raises OptionsInvalid."""
    return DissectionOptions.from_json(values)


def cut_shards(*, n_images: int, options: DissectionOptions, batches_each: int) -> list[tuple[int, int]]:
    """First and end image of each shard, cut at batch boundaries."""
    step = options.run.batch_size * max(1, batches_each)
    return [(first, min(n_images, first + step)) for first in range(0, n_images, step)]


def check_artifact(artifact: Artifact) -> None:
    """Compare the content with the manifest's hash; raises ArtifactMalformed where they differ."""
    layers = [artifact.layer(i) for i in range(len(artifact.manifest["layers"]))]
    found = content_sha256(manifest=artifact.manifest, paths=artifact.paths, layers=layers)
    if found != artifact.manifest["sha256"]:
        raise ArtifactMalformed(
            f"The artifact's content has hash {found[:12]}, its manifest states {artifact.manifest['sha256'][:12]}."
        )
