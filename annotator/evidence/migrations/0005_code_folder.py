from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("evidence", "0004_importance")]

    operations = [
        migrations.AddField(
            model_name="question",
            name="code_folder",
            field=models.CharField(blank=True, help_text="Where the code of a function lies", max_length=500),
        ),
    ]
