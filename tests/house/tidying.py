"""A step that only tests have: it writes a word on the campaign, for money."""

from dataclasses import dataclass

from annotator.accounts.models import Role
from annotator.crowd.models import Campaign
from annotator.refusals import Refusal
from annotator.work.options import option
from annotator.work.step import Step, Work


class NothingToTidy(Refusal):
    """The word is there already."""


@dataclass(frozen=True)
class TidyOptions:
    word: str = option("The word to write (tidy)", default="tidy")


def tidy(work: Work) -> str:
    if (
        not Campaign.objects.filter(pk=work.subject.pk)
        .exclude(contact=work.options.word)
        .update(contact=work.options.word)
    ):
        raise NothingToTidy(f"The campaign {work.subject} is {work.options.word} already.")
    return f"The campaign is {work.options.word} now."


TIDY = Step(
    name="tidy",
    title="Tidy up",
    sentence="Writes a word on the campaign.",
    icon="mop",
    role=Role.REVIEWER,
    spends=True,
    run=tidy,
    why_not=lambda campaign: "",
    options=TidyOptions,
    refusals=(NothingToTidy,),
)
