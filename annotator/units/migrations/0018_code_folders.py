from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("units", "0017_labels_of_image_sets")]

    operations = [
        migrations.CreateModel(
            name="CodeFolder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("module", models.CharField(help_text="Outermost module or package", max_length=200, unique=True)),
                ("folder", models.CharField(max_length=500)),
            ],
        ),
    ]
