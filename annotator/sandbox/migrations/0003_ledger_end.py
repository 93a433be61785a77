"""How many entries each requester has in the ledger: room for the count, which the next migration fills."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sandbox", "0002_ledgerentry_append_only")]

    operations = [migrations.AddField("requester", "n_ledger_entries", models.PositiveBigIntegerField(default=0))]
