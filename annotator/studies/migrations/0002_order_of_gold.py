from django.db import migrations, models

TO_LIST = """
UPDATE studies_studypair SET gold = COALESCE(
    (SELECT jsonb_agg(jsonb_build_array(key, value) ORDER BY n)
     FROM jsonb_each(gold) WITH ORDINALITY AS one(key, value, n)),
    '[]'::jsonb
) WHERE jsonb_typeof(gold) = 'object'
"""
TO_MAP = """
UPDATE studies_studypair SET gold = COALESCE(
    (SELECT jsonb_object_agg(pair ->> 0, pair -> 1) FROM jsonb_array_elements(gold) AS pair), '{}'::jsonb
) WHERE jsonb_typeof(gold) = 'array'
"""


class Migration(migrations.Migration):
    """Gold images keep the order in which questions show them; a JSONB object has none."""

    dependencies = [("studies", "0001_initial")]

    operations = [
        migrations.AlterField(model_name="studypair", name="gold", field=models.JSONField(default=list)),
        migrations.RunSQL(TO_LIST, TO_MAP),
    ]
