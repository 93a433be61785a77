from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("units", "0012_names"),
    ]

    operations = [
        migrations.AddField(
            model_name="topimage",
            name="is_peak_region",
            field=models.BooleanField(
                default=False, help_text="The map has no segment: the crop shows the region of its peak"
            ),
        ),
    ]
