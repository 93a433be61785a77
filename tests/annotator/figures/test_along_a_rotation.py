"""The figure along a rotation: turned units have no labels in the database, and their counts are drawn all the same."""

from datetime import UTC, datetime

import pytest

from annotator.figures.listing import draw_along
from annotator.units.models import Dissection, ImageSet, Network

NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.mark.django_db
def test_the_unique_detectors_of_each_power_are_drawn() -> None:
    network = Network.objects.create(name="net", architecture="torchvision:alexnet", registered_at=NOW)
    images = ImageSet.objects.create(name="set", address="set", registered_at=NOW)
    made = [
        Dissection.objects.create(
            network=network, image_set=images, layer_paths=["a", "b"], created_at=NOW, state="done",
            options={"rotation": power} if power else {},
            detectors={path: {"paper": {"n_unique": unique}} for path, unique in (("a", n), ("b", 1))},
        )
        for power, n in ((0.0, 5), (0.5, 3), (1.0, 2))
    ]  # fmt: skip
    figure = draw_along(list(zip(made, (0.0, 0.5, 1.0), strict=True)), axis="rotation")
    drawn = {row["position"]: row["n_unique"] for row in figure.rows}
    assert drawn == {0.0: 6, 0.5: 4, 1.0: 3}
