"""Each label says how many of its answers are by simulated people, and by which lexicon it was made."""

from django.db import migrations, models

COUNT_SIMULATED = """
UPDATE labels_unitlabel AS label SET n_simulated = found.n
FROM (
    SELECT hit.campaign_id, shown.unit_id, count(*) AS n
    FROM crowd_answer AS answer
    JOIN crowd_assignment AS work ON work.id = answer.assignment_id
    JOIN crowd_worker AS worker ON worker.id = work.worker_id
    JOIN crowd_hitunit AS shown ON shown.id = answer.hit_unit_id
    JOIN crowd_hit AS hit ON hit.id = work.hit_id
    WHERE worker.is_simulated AND answer.precision IS NOT NULL
        AND work.state IN ('submitted', 'approved') AND NOT work.is_left_out
    GROUP BY hit.campaign_id, shown.unit_id
) AS found
WHERE found.campaign_id = label.campaign_id AND found.unit_id = label.unit_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("labels", "0002_gallery_indexes_and_attention"),
        ("crowd", "0007_verbs"),
    ]

    operations = [
        migrations.AddField(
            model_name="unitlabel",
            name="lexicon_sha256",
            field=models.CharField(
                blank=True,
                help_text="The lexicon that read the answers; empty: labeled before it was kept",
                max_length=64,
            ),
        ),
        migrations.AddField(
            model_name="unitlabel",
            name="n_simulated",
            field=models.PositiveSmallIntegerField(default=0, help_text="Of the answers, those by simulated people"),
        ),
        migrations.RunSQL(COUNT_SIMULATED, migrations.RunSQL.noop),
    ]
