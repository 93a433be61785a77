from django.db import migrations, models

# A log that was written before has its end recorded as it is now.
RECORD = """
INSERT INTO accounts_auditend (id, n_entries, last_sha256)
SELECT 1, count(*) OVER (), sha256 FROM accounts_auditentry ORDER BY id DESC LIMIT 1
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_tokens_end")]
    operations = [
        migrations.CreateModel(
            name="AuditEnd",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("n_entries", models.PositiveBigIntegerField()),
                ("last_sha256", models.CharField(max_length=64)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="accounts_one_audit_end")],
            },
        ),
        migrations.RunSQL(RECORD, migrations.RunSQL.noop),
    ]
