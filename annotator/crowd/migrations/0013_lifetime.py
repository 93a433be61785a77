"""When each HIT expires, and what a withdrawn HIT has given back."""

from django.db import migrations, models

# The marketplaces of before speak MTurk; the request was written before it was sent.
FILL = """
    UPDATE crowd_hit SET expires_at = act.sent_at + make_interval(secs => (act.request->>'LifetimeInSeconds')::int)
    FROM crowd_outwardact act
    WHERE act.hit_id = crowd_hit.id AND act.verb = 'publish' AND act.purpose = '' AND act.state = 'done'
      AND act.sent_at IS NOT NULL AND act.request ? 'LifetimeInSeconds'
"""


class Migration(migrations.Migration):
    dependencies = [("crowd", "0012_names")]

    operations = [
        migrations.AddField(
            "campaign",
            "lifetime_seconds",
            models.PositiveIntegerField(
                null=True, blank=True, help_text="How long its HITs can be taken; null: as the HIT type says"
            ),
        ),
        migrations.AddField("hit", "expires_at", models.DateTimeField(null=True, blank=True)),
        migrations.AddField(
            "hit",
            "n_released",
            models.PositiveSmallIntegerField(
                default=0, help_text="Assignments of a withdrawn HIT that nobody took: their money is free again"
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
