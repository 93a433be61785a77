"""Who decided whether an answer counts. Until now the rule and persons were told apart by the reason's words."""

from django.db import migrations, models
from django.db.models import Q


def fill(apps, schema_editor):
    left_out = apps.get_model("crowd", "Assignment").objects.filter(is_left_out=True)
    by_rule = Q(left_out_reason__endswith="planted negatives unmarked.")
    left_out.filter(by_rule).update(count_decided_by="the rule")
    left_out.exclude(by_rule).update(count_decided_by="a reviewer")


class Migration(migrations.Migration):
    dependencies = [("crowd", "0008_inclusion_probability")]

    operations = [
        migrations.AddField(
            "assignment",
            "count_decided_by",
            models.CharField(
                blank=True,
                default="",
                help_text="Who decided whether it counts: the rule, a person, or nobody yet",
                max_length=150,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "campaign",
            "keeps_suspected",
            models.BooleanField(
                default=False, help_text="Answers that the rule would set aside are counted (label --keep-suspected)"
            ),
        ),
        migrations.AddIndex(
            "assignment",
            models.Index(condition=~Q(left_out_reason=""), fields=["hit"], name="suspected_or_left_out"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
