from django.db import migrations, models

# What the range of the peaks tells of units that were measured before.
NAME = """
UPDATE units_dissectedunit
SET silence = CASE WHEN peak_high <= peak_low THEN 'constant' ELSE 'negative' END
WHERE peak_high <= peak_low OR peak_high <= 0
"""


class Migration(migrations.Migration):
    dependencies = [
        ("units", "0005_measured_values"),
    ]

    operations = [
        migrations.AddField(
            model_name="dissectedunit",
            name="silence",
            field=models.CharField(
                blank=True,
                choices=[
                    ("constant", "the same peak on every image"),
                    ("silent", "its peaks do not exceed those of its lowest tenth of images"),
                    ("negative", "never above zero"),
                ],
                max_length=8,
                default="",
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="dissection",
            name="layer_facts",
            field=models.JSONField(
                default=dict, help_text="By layer path: axes, tokens_dropped, read_as, anchoring; absent: not recorded"
            ),
        ),
        migrations.RunSQL(NAME, migrations.RunSQL.noop),
    ]
