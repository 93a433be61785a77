"""Each label says whose crops people saw, and whether it stands for what people say about these crops.

Until a unit's campaigns are labeled again, the label of most answers stands; people go before simulated people.
"""

import django.db.models.deletion
from django.db import migrations, models

NAME_SOURCE = """
UPDATE labels_unitlabel AS label SET source = found.source
FROM (
    SELECT DISTINCT hit.campaign_id, shown.unit_id, measured.dissection_id::text AS source
    FROM crowd_hitunit AS shown
    JOIN crowd_hit AS hit ON hit.id = shown.hit_id
    JOIN units_dissectedunit AS measured ON measured.id = shown.dissected_unit_id
) AS found
WHERE found.campaign_id = label.campaign_id AND found.unit_id = label.unit_id
"""
CHOOSE_RECORD = """
UPDATE labels_unitlabel AS label SET is_of_record = true
FROM (
    SELECT id, row_number() OVER (
        PARTITION BY unit_id, source ORDER BY (n_simulated > 0), n_answers DESC, id
    ) AS place
    FROM labels_unitlabel
) AS ranked
WHERE ranked.id = label.id AND ranked.place = 1
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labels", "0003_lexicon_and_simulated"),
        ("crowd", "0008_inclusion_probability"),
        ("units", "0007_tied_units"),
    ]

    operations = [
        migrations.AlterField(
            model_name="unitlabel",
            name="campaign",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="unit_labels",
                to="crowd.campaign",
            ),
        ),
        migrations.AddField(
            model_name="unitlabel",
            name="source",
            field=models.CharField(
                blank=True,
                default="",
                help_text="The id of the dissection whose crops people saw; empty: imported answers",
                max_length=64,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="unitlabel",
            name="is_of_record",
            field=models.BooleanField(default=False, help_text="Stands for what people say about the unit's crops"),
        ),
        migrations.RunSQL(NAME_SOURCE, migrations.RunSQL.noop),
        migrations.RunSQL(CHOOSE_RECORD, migrations.RunSQL.noop),
    ]
