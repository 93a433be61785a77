"""Where each requester's part of the ledger ends."""

from django.db import migrations, models

FILL = """
UPDATE sandbox_requester SET n_ledger_entries = counted.n
FROM (SELECT requester_id, count(*) AS n FROM sandbox_ledgerentry GROUP BY requester_id) counted
WHERE counted.requester_id = sandbox_requester.id
"""


class Migration(migrations.Migration):
    # Rows are written and the table is altered: not in one transaction.
    atomic = False
    dependencies = [("sandbox", "0002_ledgerentry_append_only")]

    operations = [
        migrations.AddField("requester", "n_ledger_entries", models.PositiveBigIntegerField(default=0)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
