"""Outward acts are told in our own verbs. Keys and stored requests stay: the same decision remains the same act."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Case, F, Q, Value, When

VERBS = {
    "CreateHITType": "register",
    "CreateHITWithHITType": "publish",
    "CreateAdditionalAssignmentsForHIT": "extend",
    "UpdateExpirationForHIT": "stop",
    "ApproveAssignment": "approve",
    "RejectAssignment": "reject",
    "SendBonus": "pay_bonus",
}


def translate(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    acts = apps.get_model("crowd", "OutwardAct").objects
    acts.filter(verb="ApproveAssignment", purpose="overturn").update(verb="overturn", purpose="")
    # A grant that was refused or cut off is made again. The qualification is found by its name.
    apps.get_model("crowd", "Compensation").objects.filter(hit_id="").update(qualification_id="", hit_type_id="")
    renamed = [When(verb=old, then=Value(new)) for old, new in VERBS.items()]
    acts.filter(verb__in=VERBS).update(verb=Case(*renamed, default=F("verb")))


class Migration(migrations.Migration):
    dependencies = [("crowd", "0006_drop_moved_columns")]

    operations = [
        migrations.RemoveConstraint(model_name="outwardact", name="one_payment_per_assignment"),
        migrations.RenameField(model_name="outwardact", old_name="operation", new_name="verb"),
        migrations.RunPython(translate, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="outwardact",
            name="verb",
            field=models.CharField(
                help_text="Of marketplaces/facts.py: register, publish, approve, ...", max_length=20
            ),
        ),
        migrations.AlterField(
            model_name="outwardact",
            name="purpose",
            field=models.CharField(blank=True, help_text="compensation, or empty", max_length=20),
        ),
        migrations.AlterField(
            model_name="outwardact",
            name="key",
            field=models.CharField(help_text="Makes the act once, here and there", max_length=64, unique=True),
        ),
        migrations.AlterField(
            model_name="hittype",
            name="fields",
            field=models.JSONField(default=dict, help_text="What was sent to register it"),
        ),
        migrations.AddConstraint(
            model_name="outwardact",
            constraint=models.UniqueConstraint(
                condition=Q(("verb__in", ["approve", "reject", "overturn", "pay_bonus"])),
                fields=("verb", "purpose", "assignment"),
                name="one_payment_per_assignment",
            ),
        ),
    ]
