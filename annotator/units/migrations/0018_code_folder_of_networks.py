from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("units", "0017_labels_of_image_sets")]

    operations = [
        migrations.AddField(
            model_name=model,
            name="code_folder",
            field=models.CharField(blank=True, help_text=told, max_length=500),
        )
        for model, told in (
            ("network", "Where a command found the code of a function"),
            ("dissection", "Where it reads that code; the network's may be newer"),
        )
    ]
