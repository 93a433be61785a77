from django.db import migrations, models

# Of tests that somebody takes now.
FILL = """
    UPDATE sandbox_qualificationrequest asked
    SET ends_at = asked.started_at + make_interval(secs => kind.test_duration_seconds)
    FROM sandbox_qualificationtype kind
    WHERE kind.id = asked.type_id AND asked.state = 'started' AND kind.test_duration_seconds IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("sandbox", "0008_expired_hits")]

    operations = [
        migrations.AddField(
            model_name="qualificationrequest",
            name="ends_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
