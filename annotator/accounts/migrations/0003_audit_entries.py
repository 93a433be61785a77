from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_audit_log_append_only'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='auditentry',
            options={'ordering': ['id'], 'verbose_name_plural': 'audit entries'},
        ),
    ]
