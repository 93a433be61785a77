"""Labels made from now on are by rules that leave out hedges and bare numbers; labels that exist keep their number."""

from django.db import migrations, models

HELP = "Of the rules that made the label; lower than today's: label again"


class Migration(migrations.Migration):
    dependencies = [("labels", "0006_rule_version")]

    operations = [
        migrations.AlterField(
            "unitlabel", "rule_version", models.PositiveSmallIntegerField(default=3, help_text=HELP)
        ),
    ]
