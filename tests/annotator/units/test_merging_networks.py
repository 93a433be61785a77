"""A database of before with one network registered twice: one network, and everything that stood on the other."""

from pathlib import Path
from typing import Any

import psycopg2
import pytest

from annotator.comparison.models import UnitComparison
from annotator.labels.models import UnitLabel
from annotator.units.models import AutomaticLabel, DissectedUnit, Dissection, Network, NetworkAlias, Unit
from tests import test_legacy

# The network of the demo again, as a second plain `dissect` registered it: a layer that both have, one of its own, a
# unit more, a dissection of its own, and labels of a file that was imported for both.
DOUBLE = """
INSERT INTO units_network (name, architecture, weights, weights_sha256, preprocessing, registered_at)
    SELECT name || '-2', architecture, weights, '', preprocessing, now() FROM units_network ORDER BY id LIMIT 1;
INSERT INTO units_layer (network_id, path, position, n_units, theoretical_receptive_field, receptive_field_note)
    SELECT (SELECT max(id) FROM units_network), path, position, n_units + 1, NULL, '' FROM units_layer
    WHERE path = '_blocks.15';
INSERT INTO units_layer (network_id, path, position, n_units, theoretical_receptive_field, receptive_field_note)
    VALUES ((SELECT max(id) FROM units_network), 'only.here', 9, 1, NULL, '');
INSERT INTO units_unit (layer_id, index) SELECT (SELECT max(id) - 1 FROM units_layer), index FROM units_unit
    WHERE layer_id = (SELECT min(id) FROM units_layer WHERE path = '_blocks.15');
INSERT INTO units_unit (layer_id, index) VALUES ((SELECT max(id) - 1 FROM units_layer), 9999);
INSERT INTO units_unit (layer_id, index) VALUES ((SELECT max(id) FROM units_layer), 0);
INSERT INTO units_automaticlabel (unit_id, source, mode, category, label, iou, is_best)
    SELECT id, 'a-file', 'imported', 'object', 'dog', 0.1, true FROM units_unit;
UPDATE labels_unitlabel SET unit_id = u.id FROM units_unit o JOIN units_unit u
    ON u.index = o.index AND u.layer_id = (SELECT max(id) - 1 FROM units_layer)
    AND o.layer_id = (SELECT min(id) FROM units_layer WHERE path = '_blocks.15') WHERE o.id = labels_unitlabel.unit_id;
UPDATE units_dissection SET network_id = (SELECT max(id) FROM units_network);
"""


def test_doubles_become_one_network_with_all_that_stood_on_either(
    django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(test_legacy, "DATABASE", f"{test_legacy.DATABASE}_doubles")
    with test_legacy.legacy_database() as address, django_db_blocker.unblock():
        opened = psycopg2.connect(address)
        with opened, opened.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM labels_unitlabel")
            n_labels = cursor.fetchone()[0]
            cursor.execute(DOUBLE)
        opened.close()
        test_legacy.migrate(address, tmp_path)
        with test_legacy.connected_to(test_legacy.DATABASE):
            check_merged(n_labels)


def check_merged(n_labels: int) -> None:
    network = Network.objects.get(architecture="unitscope:efficientnet_lite0")
    assert NetworkAlias.objects.get().name == "efficientnet-lite0-2"
    assert NetworkAlias.objects.get().network == network
    assert Dissection.objects.get().network == network
    assert Dissection.objects.get().weights == network.weights
    assert network.layers.filter(path="only.here").count() == 1
    both = network.layers.get(path="_blocks.15")
    assert both.units.filter(index=9999).count() == 1
    assert both.n_units == Unit.objects.filter(layer=both).count()
    assert UnitLabel.objects.filter(unit__layer__network=network).count() == n_labels > 0
    assert UnitComparison.objects.count() > 0
    # The demo's rows, none lost: a second network would have shown them under its own units.
    assert DissectedUnit.objects.filter(unit__layer__network=network).count() == DissectedUnit.objects.count() > 0
    imported = AutomaticLabel.objects.filter(source="a-file", unit__layer=both)
    assert imported.count() == both.n_units
