"""The demo's commands refuse bad input in one sentence and exit status 2."""

import pytest
from django.core.management import CommandError, call_command

from tests.annotator.crowd.making import make_campaign, make_dissection


def refusal(*arguments, **options):
    with pytest.raises(CommandError) as refused:
        call_command(*arguments, **options)
    assert refused.value.returncode == 2
    return str(refused.value)


def test_render_concepts_says_what_it_made_and_uses_it_again(tmp_path, capsys):
    for how in ("(rendered)", "(existing, reused)"):
        call_command("render_concepts", str(tmp_path / "set"), n=2, jobs=1)
        assert f"2 rendered concept images {how}." in capsys.readouterr().out


def test_render_concepts_refuses_a_taken_folder_and_senseless_numbers(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    assert "holds other files" in refusal("render_concepts", str(tmp_path))
    assert "at least 1" in refusal("render_concepts", str(tmp_path / "new"), n=0)
    assert not (tmp_path / "new").exists()


@pytest.mark.django_db
def test_simulate_people_refuses_an_unknown_campaign(tmp_path):
    assert refusal("simulate_people", "nobody's", images=tmp_path) == "There is no campaign called nobody's."


@pytest.mark.django_db
def test_simulate_people_works_at_our_own_marketplace_on_published_campaigns_only(tmp_path):
    dissection = make_dissection(tmp_path)
    make_campaign(dissection, name="fresh")
    make_campaign(dissection, name="real", marketplace="mturk")
    assert "not published yet" in refusal("simulate_people", "fresh", images=tmp_path)
    assert "our own marketplace and through links, not at mturk" in refusal("simulate_people", "real", images=tmp_path)
