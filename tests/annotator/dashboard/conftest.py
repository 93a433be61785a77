"""What the dashboard's tests share: one small world, and a viewer's browser."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from annotator.accounts.models import Role
from annotator.crowd.models import HIT, Assignment, Campaign, Worker
from annotator.dashboard.units.crop_views import compose_wall
from annotator.units.models import Dissection, ImageSet, Network
from tests.annotator.dashboard.making import World, make_world, sign_in


@pytest.fixture
def world(db: None, tmp_path: Path) -> World:
    compose_wall.cache_clear()
    return make_world(tmp_path)


@pytest.fixture
def viewer(db: None) -> Client:
    return sign_in(Role.VIEWER)


@pytest.fixture
def make_sized(db: None, tmp_path: Path) -> Callable[[int], World]:
    """Replaces the world by one of so many units."""

    def make(n_units: int) -> World:
        Assignment.objects.all().delete()
        HIT.objects.all().delete()
        Campaign.objects.all().delete()
        Dissection.objects.all().delete()
        Network.objects.all().delete()
        ImageSet.objects.all().delete()
        Worker.objects.all().delete()
        return make_world(tmp_path / str(n_units), n_units=n_units)

    return make
