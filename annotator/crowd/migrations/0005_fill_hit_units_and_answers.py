"""Moves units and answers out of the rows of HITs and assignments, inside the database."""

from django.db import migrations

FILL = [
    """
    INSERT INTO crowd_hitunit (hit_id, position, unit_id, dissected_unit_id, phrase, chosen_because)
    SELECT id, 0, unit_id, dissected_unit_id, phrase, chosen_because FROM crowd_hit ORDER BY id
    """,
    "UPDATE crowd_hit SET question_key = unit_id::text",
    """
    UPDATE crowd_hitimage SET hit_unit_id = crowd_hitunit.id
    FROM crowd_hitunit WHERE crowd_hitunit.hit_id = crowd_hitimage.hit_id
    """,
    # An answer that was never read (started, or unreadable) says nothing: null. A yes or no has no words and no marks.
    """
    INSERT INTO crowd_answer (
        assignment_id, hit_unit_id, shown_ranks, planted_ranks, says, metrics,
        description, category, marked_ranks, precision, n_planted_missed
    )
    SELECT
        a.id, u.id, a.shown_ranks, a.planted_ranks,
        CASE
            WHEN a.verdict IS NOT NULL THEN jsonb_build_object('phrase', u.phrase)
            WHEN a.precision IS NOT NULL THEN '{}'::jsonb
        END,
        CASE WHEN a.verdict IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('fits', a.verdict::int) END,
        CASE WHEN a.precision IS NOT NULL THEN a.description END,
        CASE WHEN a.precision IS NOT NULL THEN a.category END,
        CASE WHEN a.precision IS NOT NULL THEN a.marked_ranks END,
        a.precision, a.n_planted_missed
    FROM crowd_assignment a JOIN crowd_hitunit u ON u.hit_id = a.hit_id ORDER BY a.id
    """,
    # Imported answers are descriptions: they are of that HIT type.
    "UPDATE crowd_hittype SET template = 'unit_semantics' WHERE template = 'imported'",
]


class Migration(migrations.Migration):
    dependencies = [("crowd", "0004_hit_units_and_answers")]

    operations = [migrations.RunSQL(FILL)]
