"""Where each dissection read its weights, where those of a network came from, and one network where there were doubles.

Until now a plain `dissect` registered a network at each call. Networks of one architecture, address and preprocessing
become one: the first. Layers and units that both have become one too; whatever pointed to the other points to it.
A file that was overwritten between two dissections held two networks: their artifacts tell them apart.
"""

import json
from typing import Any

from django.db import migrations

from workers.store import open_store

FILL = """
UPDATE units_dissection d SET weights = n.weights FROM units_network n WHERE n.id = d.network_id AND n.weights <> '';
UPDATE units_network SET weights_from = CASE
    WHEN architecture = 'saved' THEN 'activations'
    WHEN weights <> '' THEN 'file'
    WHEN architecture LIKE 'torchvision:%' OR architecture LIKE 'unitscope:%' THEN 'random'
    WHEN architecture = 'zoo:alexnet-random' THEN 'random'
    WHEN architecture LIKE 'zoo:%' THEN 'file'
    ELSE '' END;
"""

# Networks of imported answers say nothing of weights: two of them are two.
DOUBLES = """
SELECT n.id, n.architecture, n.weights, n.preprocessing::text, (
    SELECT artifact FROM units_dissection d WHERE d.network_id = n.id AND d.state = 'done'
    ORDER BY created_at DESC LIMIT 1
) FROM units_network n WHERE n.architecture <> 'imported' AND EXISTS (
    SELECT 1 FROM units_network o WHERE o.id <> n.id AND o.architecture = n.architecture AND o.weights = n.weights
    AND o.preprocessing IS NOT DISTINCT FROM n.preprocessing
) ORDER BY n.id
"""

MERGE = """
CREATE TEMPORARY TABLE layer_pairs ON COMMIT DROP AS
    SELECT id AS old, first AS new FROM (
        SELECT l.id, min(l.id) OVER (PARTITION BY coalesce(p.new, l.network_id), l.path) AS first
        FROM units_layer l LEFT JOIN network_pairs p ON p.old = l.network_id
    ) AS grouped WHERE id <> first;
CREATE TEMPORARY TABLE unit_pairs ON COMMIT DROP AS
    SELECT id AS old, first AS new FROM (
        SELECT u.id, min(u.id) OVER (PARTITION BY coalesce(p.new, u.layer_id), u.index) AS first
        FROM units_unit u LEFT JOIN layer_pairs p ON p.old = u.layer_id
    ) AS grouped WHERE id <> first;
INSERT INTO units_networkalias (name, network_id) SELECT n.name, p.new
    FROM network_pairs p JOIN units_network n ON n.id = p.old;
UPDATE units_dissection d SET network_id = p.new FROM network_pairs p WHERE p.old = d.network_id;
UPDATE units_dissectedunit r SET unit_id = p.new FROM unit_pairs p WHERE p.old = r.unit_id;
UPDATE crowd_hitunit r SET unit_id = p.new FROM unit_pairs p WHERE p.old = r.unit_id;
UPDATE crowd_hit h SET question_key = ranked.key FROM (
    SELECT o.id, n.key, row_number() OVER (
        PARTITION BY o.hit_type_id, n.key ORDER BY (o.question_key = n.key) DESC, o.id
    ) AS rank FROM crowd_hit o JOIN (
        SELECT r.hit_id, string_agg(r.unit_id::text, '+' ORDER BY r.position) AS key FROM crowd_hitunit r
        WHERE r.hit_id IN (SELECT hit_id FROM crowd_hitunit WHERE unit_id IN (SELECT new FROM unit_pairs))
        GROUP BY r.hit_id
    ) AS n ON n.hit_id = o.id
) AS ranked WHERE ranked.id = h.id AND ranked.rank = 1 AND h.question_key <> ranked.key;
UPDATE labels_conceptrevision r SET unit_id = p.new FROM unit_pairs p WHERE p.old = r.unit_id;
"""

# Where a unit may carry only one row of a kind, the first network's stays, and comparisons point to it.
MERGE_ONE_EACH = """
CREATE TEMPORARY TABLE doubles_of_{table} ON COMMIT DROP AS
    SELECT id AS old, first AS new FROM (
        SELECT t.id, first_value(t.id) OVER (
            PARTITION BY {key}, coalesce(p.new, t.unit_id) ORDER BY t.unit_id, t.id
        ) AS first FROM {table} t LEFT JOIN unit_pairs p ON p.old = t.unit_id
        WHERE t.unit_id IN (SELECT old FROM unit_pairs UNION SELECT new FROM unit_pairs)
    ) AS ranked WHERE id <> first;
{before}
DELETE FROM {table} WHERE id IN (SELECT old FROM doubles_of_{table});
UPDATE {table} r SET unit_id = p.new FROM unit_pairs p WHERE p.old = r.unit_id;
"""
POINT_TO_FIRST = """
UPDATE comparison_unitcomparison c SET automatic_label_id = d.new FROM doubles_of_units_automaticlabel d
    WHERE d.old = c.automatic_label_id;
"""
DROP_COMPARISONS = """
DELETE FROM comparison_unitcomparison WHERE unit_label_id IN (SELECT old FROM doubles_of_labels_unitlabel);
"""
ONE_EACH = (
    ("units_automaticlabel", "t.source, t.mode, t.category", POINT_TO_FIRST),
    ("comparison_importeddescription", "t.source", ""),
    ("labels_unitlabel", "t.campaign_id", DROP_COMPARISONS),
)

END = """
UPDATE units_unit u SET layer_id = p.new FROM layer_pairs p
    WHERE p.old = u.layer_id AND NOT EXISTS (SELECT 1 FROM unit_pairs o WHERE o.old = u.id);
DELETE FROM units_unit WHERE id IN (SELECT old FROM unit_pairs);
UPDATE units_layer l SET network_id = p.new FROM network_pairs p
    WHERE p.old = l.network_id AND NOT EXISTS (SELECT 1 FROM layer_pairs o WHERE o.old = l.id);
UPDATE units_layer l SET n_units = greatest(l.n_units, o.n_units) FROM (
    SELECT p.new, max(d.n_units) AS n_units FROM layer_pairs p JOIN units_layer d ON d.id = p.old GROUP BY p.new
) AS o WHERE o.new = l.id;
DELETE FROM units_layer WHERE id IN (SELECT old FROM layer_pairs);
DELETE FROM units_network WHERE id IN (SELECT old FROM network_pairs);
"""


def find_pairs(rows: list[tuple[int, str, str, str | None, str | None]]) -> list[tuple[int, int]]:
    """Each double with the network that it becomes part of.

    Networks whose artifacts tell different weights never become one. A network whose artifacts tell nothing becomes
    part of another of the same description only if all that tell something tell the same.
    """
    groups: dict[tuple[str, str, str | None], list[tuple[int, str]]] = {}
    for pk, architecture, weights, preprocessing, artifact in rows:
        digest = read_digest(artifact) if artifact else ""
        groups.setdefault((architecture, weights, preprocessing), []).append((pk, digest))
    return sorted(pair for group in groups.values() for pair in _pair_group(group))


def _pair_group(group: list[tuple[int, str]]) -> list[tuple[int, int]]:
    told = {digest for _, digest in group if digest}
    is_one = len(told) <= 1
    firsts: dict[str, int] = {}
    pairs = []
    for pk, digest in group:
        first = firsts.setdefault("" if is_one else digest, pk)
        if first != pk:
            pairs.append((pk, first))
    return pairs


def read_digest(artifact: str) -> str:
    try:
        return str(json.loads(open_store(artifact).read("manifest.json"))["network"]["weights_sha256"])
    except Exception:  # a store of before may be gone in any way
        return ""


def merge(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(DOUBLES)
        pairs = find_pairs(cursor.fetchall())
        if not pairs:
            return
        cursor.execute("CREATE TEMPORARY TABLE network_pairs (old bigint, new bigint) ON COMMIT DROP")
        cursor.executemany("INSERT INTO network_pairs VALUES (%s, %s)", pairs)
        cursor.execute(MERGE)
        for table, key, before in ONE_EACH:
            cursor.execute(MERGE_ONE_EACH.format(table=table, key=key, before=before))
        cursor.execute(END)


class Migration(migrations.Migration):
    dependencies = [
        ("units", "0008_network_identity"),
        ("crowd", "0008_inclusion_probability"),
        ("labels", "0003_lexicon_and_simulated"),
        ("comparison", "0002_lexicon"),
    ]
    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunPython(merge, migrations.RunPython.noop),
    ]
