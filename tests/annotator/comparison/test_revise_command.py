"""`revise`: what reviewers do on the dashboard's pages, from a shell."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from annotator.accounts.models import AuditEntry
from annotator.labels.models import UnitLabel
from tests.annotator.dashboard.making import make_world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def world(tmp_path: Path) -> None:
    make_world(tmp_path)


def revise(*arguments: str) -> str:
    told = StringIO()
    call_command("revise", "try", *arguments, stdout=told)
    return told.getvalue()


def concept(index: int) -> str:
    return UnitLabel.objects.get(unit__index=index).concept


def test_merging_renaming_splitting_accepting() -> None:
    assert revise("merge", "wheel", "--into", "rim").endswith("2 units renamed.\n")
    assert (concept(0), concept(4)) == ("rim", "rim")
    assert "features.3 unit 1: gadget 1" in revise("rename", "--unit", "features.3:1", "--into", "Gadget 1")
    assert UnitLabel.objects.get(unit__index=1).comparison.relation == "equal"
    revise("split", "striped", "--unit", "features.3:2", "--into", "lines")
    assert concept(2) == "lines"
    revise("accept", "--unit", "features.3:3", "--reviewer", "eve")
    assert UnitLabel.objects.get(unit__index=3).accepted_at is not None
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["merge-concepts", "rename", "split", "accept"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["merge", "wheel"], "needs a name"),
        (["merge", "nobody said it", "--into", "x"], "so nothing would change"),
        (["rename", "--into", "x"], "Name the unit"),
        (["rename", "--into", "x", "--unit", "features.3:99"], "is no unit of the campaign"),
        (["accept", "--unit", "features.3:1,2"], "is no unit of the campaign"),
        (["accept", "--unit", "features"], "does not name units"),
    ],
)
def test_what_has_no_sense_is_refused_and_nothing_kept(arguments: list[str], words: str) -> None:
    before = list(UnitLabel.objects.order_by("pk").values())
    with pytest.raises(CommandError, match=words):
        revise(*arguments)
    assert list(UnitLabel.objects.order_by("pk").values()) == before
    assert not AuditEntry.objects.exists()
