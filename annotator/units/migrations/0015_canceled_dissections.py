"""A dissection can be canceled, and a task that is tried again counts its attempts from 0."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("units", "0014_relative_artifacts")]

    operations = [
        migrations.AddField(
            model_name="gputask",
            name="n_forgiven",
            field=models.PositiveSmallIntegerField(default=0, help_text="Attempts before somebody said: try again"),
        ),
        migrations.AlterField(
            model_name="dissection",
            name="state",
            field=models.CharField(
                choices=[
                    ("requested", "Requested"),
                    ("running", "Running"),
                    ("ingesting", "Ingesting"),
                    ("done", "Done"),
                    ("failed", "Failed"),
                    ("canceled", "Canceled"),
                ],
                default="requested",
                max_length=10,
            ),
        ),
    ]
