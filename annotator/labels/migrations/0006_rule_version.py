"""Labels that exist were made by the rules of before; the next labeling makes them again."""

from django.db import migrations, models

HELP = "Of the rules that made the label; lower than today's: label again"


class Migration(migrations.Migration):
    dependencies = [("labels", "0005_one_label_of_record")]

    operations = [
        migrations.AddField(
            "unitlabel", "rule_version", models.PositiveSmallIntegerField(default=1, help_text=HELP)
        ),
        migrations.AlterField(
            "unitlabel", "rule_version", models.PositiveSmallIntegerField(default=2, help_text=HELP)
        ),
    ]
