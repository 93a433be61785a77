from typing import Any

from django.db import migrations
from django.db.models import Exists, OuterRef


def take_back(apps: Any, schema_editor: Any) -> None:
    """Reviews that were refused or given up before a refusal was recorded: the rejection is a proposal again, or stands
    again. As it was, it could neither be confirmed, withdrawn nor overturned.
    """
    acts, rejections = apps.get_model("crowd", "OutwardAct"), apps.get_model("crowd", "Rejection").objects
    of_it = acts.objects.filter(assignment=OuterRef("assignment"))

    def list_refused(verb: str) -> Any:
        failed = of_it.filter(verb=verb, state="failed")
        return rejections.filter(Exists(failed)).exclude(Exists(of_it.filter(verb=verb).exclude(state="failed")))

    # What a person gave up may have been done all the same.
    list_refused("reject").exclude(assignment__state="rejected").update(confirmed_by="", confirmed_at=None)
    list_refused("overturn").exclude(assignment__state="approved").update(overturned_by="", overturned_at=None)


class Migration(migrations.Migration):
    dependencies = [("crowd", "0018_proposed_anew")]

    operations = [migrations.RunPython(take_back, migrations.RunPython.noop)]
