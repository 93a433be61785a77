"""Work that the marketplace has listed was confirmed by it. What was begun or stored and never listed is claimed only.

Work with a compensation stays: a person has decided that it is paid.
"""

from django.db import migrations

CLAIM = """
UPDATE crowd_assignment SET
    state = CASE crowd_assignment.state WHEN 'started' THEN 'claimed' ELSE 'kept' END,
    claimed_by = w.pseudonym,
    worker_id = NULL
FROM crowd_worker w, crowd_hit h, crowd_campaign c
WHERE w.id = crowd_assignment.worker_id AND h.id = crowd_assignment.hit_id AND c.id = h.campaign_id
    AND NOT c.is_imported AND crowd_assignment.state IN ('started', 'stored')
    AND NOT EXISTS (SELECT FROM crowd_compensation p WHERE p.assignment_id = crowd_assignment.id)
"""
# Back: their people are known by the pseudonym.
BACK = """
UPDATE crowd_assignment SET
    state = CASE crowd_assignment.state WHEN 'claimed' THEN 'started' ELSE 'stored' END,
    worker_id = w.id, claimed_by = '', visit_key = ''
FROM crowd_worker w WHERE w.pseudonym = crowd_assignment.claimed_by AND crowd_assignment.state IN ('claimed', 'kept')
"""


class Migration(migrations.Migration):
    dependencies = [("crowd", "0010_claimed_visits")]

    operations = [migrations.RunSQL(CLAIM, BACK)]
