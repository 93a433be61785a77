"""Where each requester's part of the ledger ends."""

from django.db import migrations

FILL = """
UPDATE sandbox_requester SET n_ledger_entries = counted.n
FROM (SELECT requester_id, count(*) AS n FROM sandbox_ledgerentry GROUP BY requester_id) counted
WHERE counted.requester_id = sandbox_requester.id
"""


class Migration(migrations.Migration):
    dependencies = [("sandbox", "0003_ledger_end")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
