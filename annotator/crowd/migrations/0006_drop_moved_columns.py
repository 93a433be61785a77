"""Drops what 0005 moved, and puts the constraints on the new tables."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

OF_HIT = ("unit", "dissected_unit", "phrase", "chosen_because")
OF_ASSIGNMENT = (
    "shown_ranks",
    "planted_ranks",
    "description",
    "category",
    "marked_ranks",
    "verdict",
    "precision",
    "n_planted_missed",
)


class Migration(migrations.Migration):
    dependencies = [("crowd", "0005_fill_hit_units_and_answers")]

    operations = [
        migrations.RemoveConstraint("hit", "one_hit_per_unit"),
        migrations.RemoveConstraint("hitimage", "one_crop_per_hit"),
        migrations.RemoveConstraint("assignment", "precision_between_0_and_1"),
        migrations.AlterModelOptions("hitimage", {"ordering": ["hit_unit", "top_image"]}),
        migrations.RemoveField("hitimage", "hit"),
        *(migrations.RemoveField("hit", name) for name in OF_HIT),
        *(migrations.RemoveField("assignment", name) for name in OF_ASSIGNMENT),
        migrations.AlterField(
            "hit",
            "question_key",
            models.CharField(help_text="Ids of its units, in their order, joined by +", max_length=200),
        ),
        migrations.AlterField(
            "hitimage",
            "hit_unit",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="images", to="crowd.hitunit"
            ),
        ),
        migrations.AddConstraint(
            "hit", models.UniqueConstraint(fields=("hit_type", "question_key"), name="one_hit_per_question")
        ),
        migrations.AddConstraint(
            "hitimage", models.UniqueConstraint(fields=("hit_unit", "top_image"), name="one_crop_per_hit_unit")
        ),
        migrations.AddConstraint(
            "answer", models.UniqueConstraint(fields=("assignment", "hit_unit"), name="one_answer_per_unit")
        ),
        migrations.AddConstraint(
            "answer",
            models.CheckConstraint(
                condition=Q(("precision__isnull", True), Q(("precision__gte", 0), ("precision__lte", 1)), _connector="OR"),
                name="precision_between_0_and_1",
            ),
        ),
    ]
