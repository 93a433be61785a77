"""Sets what people said beside what labeled pixels say."""

from annotator.comparison.comparing import compare_campaign
from annotator.work.step import Work


def compare(work: Work) -> str:
    return f"{compare_campaign(campaign=work.subject).n_units} units compared."
