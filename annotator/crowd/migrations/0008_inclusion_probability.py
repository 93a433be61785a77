from django.db import migrations, models

# Units of highest IoU were all chosen. With what probability others were drawn was not recorded.
CERTAIN = "UPDATE crowd_hitunit SET inclusion_probability = 1 WHERE chosen_because = 'top IoU'"


class Migration(migrations.Migration):
    dependencies = [
        ("crowd", "0007_verbs"),
    ]

    operations = [
        migrations.AddField(
            model_name="hitunit",
            name="inclusion_probability",
            field=models.FloatField(
                blank=True,
                null=True,
                help_text="The probability of being chosen in this way; null: chosen by hand, or not recorded",
            ),
        ),
        migrations.RunSQL(CERTAIN, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="hitunit",
            constraint=models.CheckConstraint(
                condition=models.Q(("inclusion_probability__gt", 0), ("inclusion_probability__lte", 1)),
                name="inclusion_probability_0_to_1",
            ),
        ),
    ]
