"""Work that was stored and never submitted is asked about until its time is over, and then no more."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crowd", "0013_lifetime")]

    operations = [migrations.AddField("assignment", "is_past_return", models.BooleanField(default=False))]
