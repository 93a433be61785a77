"""A job's row stays if its campaign is deleted."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crowd", "0013_lifetime"), ("work", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="campaign",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="jobs",
                to="crowd.campaign",
            ),
        ),
    ]
