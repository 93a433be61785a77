"""The table of steps: everything that may be asked of a campaign, an answer, a unit's label, a dissection or a study.

Buttons, commands, the web queue, the audit log, the guard of real money and the documentation read it. The rows stand
beside their functions; their order is the order of the buttons.
"""

from annotator.work.step import Step
from annotator.work.steps import (
    changing,
    collecting,
    composing,
    dissecting,
    judging,
    labeling,
    publishing,
    revising,
    studying,
    telling,
)

STEPS: dict[str, Step] = {
    step.name: step
    for module in (
        composing,
        publishing,
        collecting,
        labeling,
        judging,
        revising,
        telling,
        changing,
        dissecting,
        studying,
    )
    for step in module.STEPS
}
