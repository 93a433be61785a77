"""Layers of published files may have more units than the files named."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("units", "0009_merge_networks")]

    operations = [
        migrations.AddField(
            model_name="layer",
            name="is_size_known",
            field=models.BooleanField(
                default=True, help_text="False: a published file named some units, and the layer may have more"
            ),
        ),
        migrations.RunSQL(
            "UPDATE units_layer SET is_size_known = false FROM units_network AS network "
            "WHERE network.id = units_layer.network_id AND network.architecture = 'imported'",
            migrations.RunSQL.noop,
        ),
    ]
