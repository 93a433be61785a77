from django.db import migrations, models

# Units measured before: half of their top images do not exceed the images that planted negatives are drawn from.
NAME = """
UPDATE units_dissectedunit AS measured
SET silence = 'tied'
FROM (
    SELECT image.dissected_unit_id AS id,
        max(image.peak) FILTER (WHERE image.is_low) AS low,
        max(image.peak) FILTER (WHERE NOT image.is_low AND image.rank = unit.n_top / 2) AS middle
    FROM units_topimage AS image JOIN units_dissectedunit AS unit ON unit.id = image.dissected_unit_id
    WHERE unit.silence = ''
    GROUP BY image.dissected_unit_id
) AS peaks
WHERE measured.id = peaks.id AND peaks.middle <= peaks.low + 1e-5 * abs(peaks.low)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("units", "0006_silence_and_layer_facts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="dissectedunit",
            name="silence",
            field=models.CharField(
                blank=True,
                choices=[
                    ("constant", "the same peak on every image"),
                    ("silent", "its peaks do not exceed those of its lowest tenth of images"),
                    ("negative", "never above zero"),
                    ("tied", "half of its top images do not exceed its low images"),
                ],
                max_length=8,
            ),
        ),
        migrations.RunSQL(NAME, migrations.RunSQL.noop),
    ]
