from django.db import migrations, models

# A token that was issued without an end is given three months from now.
END = "UPDATE accounts_apitoken SET expires_at = now() + interval '90 days' WHERE expires_at IS NULL"


class Migration(migrations.Migration):
    # Rows are written and the table is altered: not in one transaction.
    atomic = False
    dependencies = [("accounts", "0004_auditentry_append_only")]
    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="scope",
            field=models.CharField(choices=[("read", "Read"), ("act", "Read and act")], default="read", max_length=4),
        ),
        migrations.AddField(model_name="apitoken", name="expires_at", field=models.DateTimeField(null=True)),
        migrations.RunSQL(END, migrations.RunSQL.noop),
        migrations.AlterField(model_name="apitoken", name="expires_at", field=models.DateTimeField()),
        migrations.AlterField(
            model_name="signinslowdown",
            name="key",
            field=models.CharField(help_text="Keyed digest of the name, the address or both", max_length=64, unique=True),
        ),
    ]
