"""One label of record for the same crops, and the orders of the gallery."""

from django.db import migrations, models

OF_RECORD = models.Q(("is_of_record", True))


def index_record(name, order):
    index = models.Index(condition=OF_RECORD, fields=[order, "unit"], include=["source"], name=f"record_by_{name}")
    return migrations.AddIndex(model_name="unitlabel", index=index)


class Migration(migrations.Migration):
    dependencies = [
        ("labels", "0004_label_of_record"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="unitlabel",
            constraint=models.UniqueConstraint(
                condition=OF_RECORD, fields=("unit", "source"), name="one_label_of_record"
            ),
        ),
        migrations.RemoveIndex(model_name="unitlabel", name="labels_by_precision"),
        migrations.AddIndex(
            model_name="unitlabel",
            index=models.Index(fields=["campaign", "-precision_low", "unit"], name="labels_by_precision"),
        ),
        index_record("low", "-precision_low"),
        index_record("high", "precision_high"),
        index_record("concept", "concept"),
    ]
