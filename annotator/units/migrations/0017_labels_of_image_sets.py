"""An image set records what a person said of its labels; sets of before were read by look."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("units", "0016_importance")]

    operations = [
        migrations.AddField(
            model_name="imageset",
            name="labels",
            field=models.CharField(
                blank=True,
                default="",
                help_text="File or folder of labels, none or folders; empty: found by look",
                max_length=500,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="imageset",
            name="has_labels",
            field=models.BooleanField(default=False, help_text="Its images carry labels"),
        ),
    ]
