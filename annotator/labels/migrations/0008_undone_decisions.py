"""A reviewer's decision can be taken back; its row stays."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("labels", "0007_rules_of_hedges")]

    operations = [
        migrations.AddField("conceptrevision", "undone_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("conceptrevision", "undone_by", models.CharField(blank=True, default="", max_length=150), preserve_default=False),
    ]
