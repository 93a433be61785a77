"""Campaigns with real money that were published before are marked as confirmed, so that their acts are performed."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F
from django.db.models.functions import Coalesce


def mark_published(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    campaigns = apps.get_model("crowd", "Campaign").objects.filter(marketplace="mturk", is_imported=False)
    # An act with a cost was written under the three confirmations, even if the publication did not come to its end.
    for published in (
        campaigns.filter(state__in=["published", "collecting", "complete", "closed"]),
        campaigns.filter(outward_acts__cost_usd__gt=0),
    ):
        pks = list(published.values_list("pk", flat=True))
        campaigns.filter(pk__in=pks, real_money_confirmed_at=None).update(
            real_money_confirmed_at=Coalesce(F("published_at"), F("quoted_at"), F("created_at")),
            real_money_confirmed_by="migration",
        )


class Migration(migrations.Migration):
    dependencies = [("crowd", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="real_money_confirmed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="campaign",
            name="real_money_confirmed_by",
            field=models.CharField(blank=True, max_length=150),
        ),
        migrations.RunPython(mark_published, migrations.RunPython.noop),
    ]
