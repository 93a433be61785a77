from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("units", "0003_gallery_indexes")]

    operations = [migrations.RenameField("dissectedunit", "tile_sheet", "strip")]
