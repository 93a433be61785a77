"""A marketplace's own ids are `external_id`, and a new marketplace takes no migration."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crowd", "0002_real_money_confirmed")]

    operations = [
        migrations.RemoveConstraint(model_name="worker", name="one_row_per_worker"),
        migrations.RemoveConstraint(model_name="assignment", name="one_row_per_assignment_and_worker"),
        migrations.RenameField(model_name="hittype", old_name="mturk_id", new_name="external_id"),
        migrations.RenameField(model_name="hit", old_name="mturk_id", new_name="external_id"),
        migrations.RenameField(model_name="worker", old_name="mturk_id", new_name="external_id"),
        migrations.RenameField(model_name="assignment", old_name="mturk_id", new_name="external_id"),
        migrations.AddConstraint(
            model_name="worker",
            constraint=models.UniqueConstraint(fields=("marketplace", "external_id"), name="one_row_per_worker"),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.UniqueConstraint(
                fields=("external_id", "worker"), name="one_row_per_assignment_and_worker"
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="marketplace",
            field=models.CharField(default="own", help_text="A name of marketplaces/table.py", max_length=40),
        ),
        migrations.AlterField(model_name="worker", name="marketplace", field=models.CharField(max_length=40)),
    ]
