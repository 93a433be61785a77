"""Artifacts are named below ARTIFACT_ROOT, so that a data folder that is moved or copied is read where it lies now."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import migrations, models

from workers.store import StoreError, open_store

# A folder was also taken as a plain path.
SPELL_OUT = "UPDATE units_dissection SET artifact_name = 'file://' || artifact_name WHERE starts_with(artifact_name, '/')"
STRIP = """
UPDATE units_dissection SET artifact_name = substr(artifact_name, length(%(root)s) + 1)
WHERE starts_with(artifact_name, %(root)s)
"""


def strip_root(apps: Any, schema_editor: Any) -> None:
    root = settings.ARTIFACT_ROOT.rstrip("/")
    address = root if "://" in root else f"file://{Path(root).resolve()}"
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(STRIP, {"root": f"{root}/"})
        cursor.execute(SPELL_OUT)
        cursor.execute(STRIP, {"root": f"{address}/"})
    with suppress(StoreError):  # a store that does not answer: the addresses stay whole, and are right
        _take_moved(apps.get_model("units", "Dissection"), root)


def _take_moved(dissections: Any, root: str) -> None:
    """Rows that name the folder in which the artifacts lay once, if their artifacts lie below this root by now."""
    store = open_store(root)
    for dissection in dissections.objects.filter(artifact_name__contains="://").only("artifact_name"):
        name = f"dissections/{dissection.pk}"
        if dissection.artifact_name.endswith(f"/{name}") and store.exists(f"{name}/manifest.json"):
            dissections.objects.filter(pk=dissection.pk).update(artifact_name=name)


class Migration(migrations.Migration):
    dependencies = [("units", "0013_peak_regions")]

    operations = [
        migrations.RenameField(model_name="dissection", old_name="artifact", new_name="artifact_name"),
        migrations.AlterField(
            model_name="dissection",
            name="artifact_name",
            field=models.CharField(
                blank=True,
                help_text="Of the artifact's folder below ARTIFACT_ROOT; a whole address if it lies in another store",
                max_length=500,
            ),
        ),
        migrations.RunPython(strip_root, migrations.RunPython.noop),
    ]
