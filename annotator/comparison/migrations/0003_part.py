from django.db import migrations, models

RELATIONS = ["equal", "synonym", "hypernym", "hyponym", "part", "different"]


class Migration(migrations.Migration):
    dependencies = [("comparison", "0002_lexicon")]

    operations = [
        migrations.AlterField(
            "unitcomparison", "relation", models.CharField(choices=[(one, one) for one in RELATIONS], max_length=9)
        ),
    ]
