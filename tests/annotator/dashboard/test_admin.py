"""The admin shows every table to admins, hides what is for nobody's eyes, and changes roles only."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotator.accounts.models import AuditEntry, Membership, Role
from annotator.crowd.models import HIT, Assignment, Worker
from tests.annotator.dashboard.making import World, make_person


@pytest.fixture
def superuser(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="five-green-lamps"))
    return client


def test_every_table_opens_and_nothing_can_be_added(world: World, superuser: Client) -> None:
    ours = [model for model in admin.site._registry if model.__module__.startswith("annotator.")]
    assert len(ours) > 20
    for model in ours:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert superuser.get(reverse(f"{name}_changelist")).status_code == 200, model
        assert superuser.get(reverse(f"{name}_add")).status_code == 403, model
        row = model._default_manager.first()
        if row is not None:
            assert superuser.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200, model


def test_rows_of_other_tables_are_named_in_words_by_one_query(world: World, superuser: Client) -> None:
    def open_answers() -> tuple[str, int]:
        with CaptureQueriesContext(connection) as captured:
            page = superuser.get(reverse("admin:crowd_assignment_changelist")).content.decode()
        return page, len(captured)

    page, n_queries = open_answers()
    hit, worker = HIT.objects.earliest("pk"), Worker.objects.earliest("pk")
    assert f"HIT {hit.pk} of try" in page
    assert worker.pseudonym in page
    assert "Hit id" not in page
    Assignment.objects.exclude(pk__in=Assignment.objects.order_by("pk")[:2]).delete()
    assert open_answers()[1] == n_queries
    units = superuser.get(reverse("admin:crowd_hitunit_changelist")).content.decode()
    assert "features.3 unit 1" in units


def test_a_workers_id_is_not_shown(world: World, superuser: Client) -> None:
    worker = Worker.objects.earliest("pk")
    pages = [
        superuser.get(reverse("admin:crowd_worker_changelist")),
        superuser.get(reverse("admin:crowd_worker_change", args=[worker.pk])),
        superuser.get(reverse("admin:crowd_assignment_change", args=[Assignment.objects.earliest("pk").pk])),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "ASIMULATED" not in page.content.decode()


def test_a_changed_role_is_logged(world: World, superuser: Client) -> None:
    membership = Membership.objects.get(user=make_person(Role.VIEWER, "otto"))
    address = reverse("admin:accounts_membership_change", args=[membership.pk])
    assert superuser.post(address, {"role": "reviewer"}).status_code == 302
    membership.refresh_from_db()
    assert membership.role == "reviewer"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.actor_name) == ("change role", "user otto", "root")


def test_a_viewer_sees_no_tables(world: World, viewer: Client) -> None:
    assert viewer.get(reverse("admin:crowd_campaign_changelist")).status_code == 403


def test_who_is_no_admin_any_more_sees_no_tables(world: World, superuser: Client) -> None:
    person = make_person(Role.ADMIN, "ada")
    User.objects.filter(pk=person.pk).update(is_superuser=True)
    address = reverse("admin:accounts_membership_change", args=[Membership.objects.get(user=person).pk])
    assert superuser.post(address, {"role": "viewer"}).status_code == 302
    person.refresh_from_db()
    assert not person.is_superuser


def test_the_last_admin_stays_one_and_is_told_why(db: None) -> None:
    ada, client = make_person(Role.ADMIN, "ada"), Client()
    User.objects.filter(pk=ada.pk).update(is_superuser=True)
    client.force_login(ada)
    membership = Membership.objects.get(user=ada)
    page = client.post(
        reverse("admin:accounts_membership_change", args=[membership.pk]), {"role": "viewer"}, follow=True
    )
    assert "ada is the last admin who can sign in" in page.content.decode()
    membership.refresh_from_db()
    assert membership.role == "admin"
