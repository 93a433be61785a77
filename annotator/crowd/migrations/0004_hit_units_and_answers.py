"""A HIT shows one or several units, and an assignment says something about each: new tables, still empty."""

import django.db.models.deletion
from django.db import migrations, models

CATEGORIES = [
    (name, name)
    for name in (
        "scene",
        "region or surface",
        "object",
        "object part",
        "texture or material",
        "simple elements or colors",
    )
]


class Migration(migrations.Migration):
    dependencies = [("crowd", "0003_external_ids"), ("units", "0004_strip")]

    operations = [
        migrations.CreateModel(
            name="HITUnit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(default=0, help_text="Order on the page, from zero")),
                ("phrase", models.CharField(blank=True, max_length=200)),
                (
                    "chosen_because",
                    models.CharField(blank=True, help_text="top IoU, random, named, disagreement", max_length=80),
                ),
                (
                    "dissected_unit",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="hit_units",
                        to="units.dissectedunit",
                    ),
                ),
                (
                    "hit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="hit_units", to="crowd.hit"
                    ),
                ),
                (
                    "unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="hit_units", to="units.unit"
                    ),
                ),
            ],
            options={
                "ordering": ["hit", "position"],
                "constraints": [models.UniqueConstraint(fields=("hit", "position"), name="one_unit_per_position")],
            },
        ),
        migrations.CreateModel(
            name="Answer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("shown_ranks", models.JSONField(default=list)),
                ("planted_ranks", models.JSONField(default=list)),
                (
                    "says",
                    models.JSONField(
                        blank=True, help_text="What has no column of its own; null until answered", null=True
                    ),
                ),
                ("metrics", models.JSONField(default=dict, help_text="Name -> number: fits, rating, chosen")),
                ("description", models.CharField(blank=True, max_length=200, null=True)),
                ("category", models.CharField(blank=True, choices=CATEGORIES, max_length=30, null=True)),
                ("marked_ranks", models.JSONField(blank=True, help_text="Crops marked as not fitting", null=True)),
                ("precision", models.FloatField(blank=True, null=True)),
                ("n_planted_missed", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "assignment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="answers", to="crowd.assignment"
                    ),
                ),
                (
                    "hit_unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="crowd.hitunit"
                    ),
                ),
            ],
            options={"ordering": ["assignment", "hit_unit"]},
        ),
        migrations.AddField("hit", "question_key", models.CharField(default="", max_length=200)),
        migrations.AddField(
            "hitimage",
            "hit_unit",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="images", to="crowd.hitunit"
            ),
        ),
    ]
