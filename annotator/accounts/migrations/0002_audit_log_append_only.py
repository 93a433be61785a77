from django.db import migrations

from annotator.accounts.append_only import BACKWARD, FORWARD


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
