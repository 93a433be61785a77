"""Clusters of photographs by k-means; a linear read-out, too. docs/readouts.md, Clusters.

The cluster with mean mu of highest 2 mu x - |mu|^2 is the nearest one. The map of cluster c against d is
2 (mu_c - mu_d) f.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from workers.engine.plurals import say_count
from workers.engine.readouts.bench import Bench, Fitted
from workers.engine.readouts.judging import tell_gain, tell_mean
from workers.engine.readouts.labeled import list_below
from workers.engine.readouts.linear import Linear, normalize_rows
from workers.engine.readouts.options import ReadoutInvalid
from workers.engine.readouts.readout import Readout
from workers.engine.readouts.shown import Shown, Wanted
from workers.engine.readouts.splits import find_test
from workers.engine.readouts.tasks import classify

N_STARTS = 4
N_TYPICAL = 8

Values = NDArray[np.float32]
Wide = NDArray[np.float64]


def fit(bench: Bench) -> Fitted:
    """Raises ReadoutInvalid, ImageSetError, LayerError, NetworkError."""
    if len(bench.data) != 1 or not bench.data[0].is_dir():
        raise ReadoutInvalid("Name one folder of photographs with --data.")
    # As its labels are found, so that no label map is taken for a photograph.
    images = bench.open_set()
    paths = list_below(images.paths, bench.options.below)
    features = bench.pool(images.root, paths)
    rows = np.flatnonzero(features.is_readable)
    kept, x = [paths[row] for row in rows], normalize_rows(features.values[rows])
    n, seed = bench.options.clusters, bench.options.seed
    is_test, split = find_test(kept, bench.options)
    if (~is_test).sum() < n:
        raise ReadoutInvalid(
            f"{say_count(n, 'cluster needs', 'clusters need')} {say_count(n, 'photograph')} or more to train on; there "
            f"are {(~is_test).sum()}."
        )
    found = KMeans(n_clusters=n, n_init=N_STARTS, random_state=seed).fit(x[~is_test])
    # The largest cluster comes first; ties by their first photograph.
    order = np.argsort(-np.bincount(found.labels_, minlength=n), kind="stable")
    means = found.cluster_centers_[order].astype(np.float32)
    linear = Linear(2 * means, -np.einsum("ck,ck->c", means, means))
    drawn = np.random.default_rng(seed).choice(np.flatnonzero(~is_test), size=n, replace=False)
    apart, by_chance = _distance(x[is_test], means), _distance(x[is_test], x[drawn])
    nearest = linear.score(features.values[rows]).argmax(axis=1)
    names = [f"cluster {place + 1}" for place in range(n)]
    report = {
        "n_images": len(x), "n_training": int((~is_test).sum()), "n_test": int(is_test.sum()),
        "split": split, "n_clusters": n,
        "distance": tell_mean(apart), "distance_to_random_photographs": tell_mean(by_chance),
        "nearer_than_random_photographs": tell_gain(by_chance, apart),
        "clusters": [
            {"name": name, "n_images": int((nearest == place).sum()), "typical": _list_typical(x, kept, means[place])}
            for place, name in enumerate(names)
        ],
    }  # fmt: skip
    return Fitted({"names": names}, {"weight": linear.weight, "bias": linear.bias}, report)


def _distance(x: Values, means: Values) -> Wide:
    """(n,) the squared distance to the nearest mean."""
    wide = x.astype(np.float64)
    squares = (means.astype(np.float64) ** 2).sum(axis=1)
    return np.asarray(((wide**2).sum(axis=1)[:, None] - 2 * wide @ means.T + squares).min(axis=1))


def _list_typical(x: Values, paths: list[str], mean: Values) -> list[str]:
    near = np.argsort(((x - mean) ** 2).sum(axis=1), kind="stable")[:N_TYPICAL]
    return [paths[place] for place in near.tolist()]


def show(readout: Readout, maps: Values, wanted: Wanted) -> Shown:
    """The nearest cluster against the second nearest, if nothing else is asked. Raises ReadoutInvalid."""
    scores = readout.linear.score(maps.mean(axis=(1, 2))[None])[0]
    answer = readout.find_answer(wanted.answer) if wanted.answer else int(scores.argmax())
    others = [place for place in np.argsort(-scores, kind="stable").tolist() if place != answer]
    against = wanted.against or readout.names[others[0]]
    return classify.show(readout, maps, replace(wanted, answer=readout.names[answer], against=against))
