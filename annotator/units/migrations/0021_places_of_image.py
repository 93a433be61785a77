from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('units', '0020_units_of_image'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='topimage',
            index=models.Index(condition=models.Q(('is_low', False)), fields=['image', 'rank', 'id'], include=('dissected_unit',), name='places_of_image'),
        ),
        migrations.RemoveIndex(
            model_name='topimage',
            name='units_of_image',
        ),
    ]
