"""Sets what people said beside what labeled pixels say."""

from annotator.accounts.models import Role
from annotator.comparison.comparing import NothingToCompare, compare_campaign
from annotator.work.states import has_answers
from annotator.work.step import Step, Work


def compare(work: Work) -> str:
    return f"{compare_campaign(campaign=work.subject).n_units} units compared."


STEPS = (
    Step(
        "compare", "Compare with Broden", "Sets each label beside the one that labeled pixels give.",
        role=Role.RESEARCHER, run=compare, icon="difference", is_offered=has_answers, refusals=(NothingToCompare,),
    ),
)  # fmt: skip
