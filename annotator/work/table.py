"""The table of steps: everything that may be asked of a campaign, of one answer or of a unit's label.

Buttons, commands, the web queue, the audit log, the guard of real money and the documentation read it. Its order is the
order of the buttons.
"""

from annotator.accounts.models import Role
from annotator.accounts.roles import MIN_ROLE, Permission
from annotator.comparison.comparing import NothingToCompare
from annotator.crowd.campaigns.composing import CannotCompose
from annotator.crowd.campaigns.phrases import BadPhrases
from annotator.crowd.campaigns.quoting import CannotQuote
from annotator.crowd.campaigns.states import CannotPublish
from annotator.crowd.campaigns.unit_choice import BadChoice
from annotator.crowd.erasing import CannotErase
from annotator.crowd.hit_types.templates import BadTemplate
from annotator.crowd.judging.approving import CannotReview
from annotator.crowd.judging.compensating import CannotCompensate
from annotator.crowd.marketplaces.outcomes import BadTerms
from annotator.crowd.marketplaces.requirements import BadQualification
from annotator.crowd.models import Campaign
from annotator.crowd.outbox.acts import BudgetExceeded
from annotator.labels.extending import CannotExtend
from annotator.labels.labeling import NothingToLabel
from annotator.labels.revising import BadRevision
from annotator.work.step import Step
from annotator.work.steps import collecting, comparing, judging, labeling, publishing, revising
from annotator.work.steps.publishing import is_going


def _has_answers(campaign: Campaign) -> bool:
    return campaign.is_imported or is_going(campaign)


def _is_adaptive(campaign: Campaign) -> bool:
    return is_going(campaign) and bool(campaign.max_assignments)


_OF_CAMPAIGNS = [
    Step(
        name="compose",
        title="Compose and quote",
        sentence="Chooses the units and writes one HIT per unit; nothing is sent yet.",
        role=Role.RESEARCHER,
        subject="new campaign",
        run=publishing.compose,
        is_quick=True,
        check=publishing.check_composing,
        options=publishing.ComposeOptions,
        refusals=(CannotCompose, BadTerms, BadChoice, BadPhrases, BadTemplate, BadQualification),
    ),
    Step(
        name="quote",
        title="Quote",
        sentence="Computes the price with fees and the pay per hour.",
        role=Role.RESEARCHER,
        run=publishing.quote,
        is_quick=True,
        refusals=(CannotQuote,),
    ),
    Step(
        name="publish",
        title="Publish",
        sentence="Puts every HIT on the marketplace, once.",
        role=Role.RESEARCHER,
        run=publishing.publish,
        icon="publish",
        spends=True,
        refusals=(CannotPublish, BudgetExceeded),
    ),
    Step(
        name="collect",
        title="Collect answers",
        sentence="Takes in what was submitted; this also happens automatically each minute.",
        role=Role.RESEARCHER,
        run=collecting.collect,
        icon="inbox",
        is_offered=is_going,
        check=collecting.check_collecting,
        options=collecting.CollectOptions,
        refusals=(collecting.CannotCollect,),
    ),
    Step(
        name="approve",
        title="Collect and approve",
        sentence="Takes in what was submitted, and approves and so pays all of it.",
        role=MIN_ROLE[Permission.APPROVE],
        run=collecting.collect_and_approve,
        icon="payments",
        is_offered=is_going,
        check=collecting.check_collecting,
        options=collecting.CollectOptions,
        refusals=(collecting.CannotCollect, CannotReview),
    ),
    Step(
        name="label",
        title="Label the units",
        sentence="Puts the answers together: concept, category and precision of each unit.",
        role=Role.RESEARCHER,
        run=labeling.label,
        icon="label",
        is_offered=_has_answers,
        refusals=(NothingToLabel,),
    ),
    Step(
        name="compare",
        title="Compare with Broden",
        sentence="Sets each label beside the one that labeled pixels give.",
        role=Role.RESEARCHER,
        run=comparing.compare,
        icon="difference",
        is_offered=_has_answers,
        refusals=(NothingToCompare,),
    ),
    Step(
        name="leave-out",
        title="Leave out on evidence",
        sentence="Stops counting answers that kept planted negatives; their people are paid.",
        role=Role.REVIEWER,
        run=judging.exclude_flagged,
        icon="rule",
        is_offered=is_going,
    ),
    Step(
        name="top-up",
        title="Pay top-ups",
        sentence="Lifts the pay for each approved piece of work to the hourly floor.",
        role=MIN_ROLE[Permission.PAY_BONUSES],
        run=judging.top_up,
        icon="savings",
        spends=True,
        is_offered=is_going,
        refusals=(BudgetExceeded,),
    ),
    Step(
        name="compensate",
        title="Compensate lost work",
        sentence="Pays for work stored here that never reached the marketplace.",
        role=MIN_ROLE[Permission.APPROVE],
        run=judging.compensate_lost,
        icon="volunteer_activism",
        spends=True,
        is_offered=is_going,
        refusals=(CannotCompensate, BudgetExceeded),
    ),
    Step(
        name="extend",
        title="Ask more where in doubt",
        sentence="One more answer for each unit whose answers disagree, within the cap.",
        role=Role.RESEARCHER,
        run=labeling.extend,
        icon="group_add",
        spends=True,
        is_offered=_is_adaptive,
        options=labeling.ExtendOptions,
        refusals=(CannotExtend, CannotPublish, BadTerms, BudgetExceeded),
    ),
    Step(
        name="pause",
        title="Pause all spending",
        sentence="Sends nothing more. People at work finish and are paid.",
        role=Role.RESEARCHER,
        run=publishing.pause,
        icon="pause",
        is_quick=True,
    ),
    Step(
        name="resume",
        title="Resume",
        sentence="Lets a paused campaign go on.",
        role=Role.RESEARCHER,
        run=publishing.resume,
        icon="play_arrow",
        is_quick=True,
    ),
    Step(
        name="withdraw",
        title="Withdraw every HIT",
        sentence="Nobody can take a HIT any more. Work that was begun may be finished, and is paid.",
        role=Role.RESEARCHER,
        run=publishing.withdraw,
        icon="block",
        is_last=True,
        is_offered=is_going,
    ),
    Step(
        name="close",
        title="Close the campaign",
        sentence="Nothing more will be asked or paid.",
        role=Role.RESEARCHER,
        run=publishing.close,
        icon="inventory_2",
        is_last=True,
        is_offered=is_going,
        refusals=(CannotPublish,),
    ),
]
_OF_ANSWERS = [
    Step(
        name="approve-answer",
        title="Approve",
        sentence="Approves and so pays one answer.",
        role=MIN_ROLE[Permission.APPROVE],
        subject="assignment",
        run=judging.approve_answer,
        refusals=(CannotReview,),
    ),
    Step(
        name="leave-out-answer",
        title="Leave out",
        sentence="Stops counting one answer, with a reason; the person is paid.",
        role=Role.REVIEWER,
        subject="assignment",
        run=judging.exclude_answer,
        is_quick=True,
        options=judging.ReasonOptions,
        refusals=(CannotReview,),
    ),
    Step(
        name="count-answer",
        title="Count it again",
        sentence="Counts an answer that was left out.",
        role=Role.REVIEWER,
        subject="assignment",
        run=judging.count_answer,
        is_quick=True,
    ),
    Step(
        name="propose-rejection",
        title="Propose to reject",
        sentence="Asks a second person to reject one answer, with a reason that the worker can answer to.",
        role=Role.REVIEWER,
        subject="assignment",
        run=judging.propose_to_reject,
        is_quick=True,
        options=judging.ReasonOptions,
        refusals=(CannotReview,),
    ),
    Step(
        name="withdraw-proposal",
        title="Withdraw the proposal",
        sentence="Takes back a proposed rejection that nobody has confirmed.",
        role=Role.REVIEWER,
        subject="assignment",
        run=judging.withdraw_the_proposal,
        is_quick=True,
        refusals=(CannotReview,),
    ),
    Step(
        name="confirm-rejection",
        title="Confirm the rejection",
        sentence="Rejects one answer that another person proposed to reject.",
        role=MIN_ROLE[Permission.REJECT],
        subject="assignment",
        run=judging.reject,
        check=judging.check_second_person,
        refusals=(CannotReview,),
    ),
    Step(
        name="overturn-rejection",
        title="Overturn and pay",
        sentence="Pays an answer that was rejected, within 30 days.",
        role=MIN_ROLE[Permission.APPROVE],
        subject="assignment",
        run=judging.overturn,
        check=judging.check_sent,
        refusals=(CannotReview,),
    ),
    Step(
        name="erase-worker",
        title="Erase a person",
        sentence="Removes a person's id and pseudonym; the answers stay under a code that leads to no one.",
        role=Role.ADMIN,
        subject="marketplace",
        run=judging.erase,
        is_quick=True,
        options=judging.EraseOptions,
        refusals=(CannotErase,),
    ),
]
_OF_LABELS = [
    Step(
        name="ask-more",
        title="Send back",
        sentence="Asks two more people about one unit, within the cap.",
        role=Role.REVIEWER,
        subject="unit label",
        run=labeling.ask_more,
        spends=True,
        check=labeling.check_more,
        options=labeling.AskMoreOptions,
        refusals=(CannotPublish, BadTerms, BudgetExceeded),
    ),
    Step(
        name="accept",
        title="Accept",
        sentence="The unit's concept stays as it is.",
        role=Role.REVIEWER,
        subject="unit label",
        run=revising.accept,
        is_quick=True,
        options=revising.ReviseOptions,
        refusals=(BadRevision,),
    ),
    Step(
        name="rename",
        title="Rename",
        sentence="Gives one unit another concept.",
        role=Role.REVIEWER,
        subject="unit label",
        run=revising.rename,
        is_quick=True,
        options=revising.ReviseOptions,
        refusals=(BadRevision,),
    ),
    Step(
        name="merge",
        title="Merge",
        sentence="Counts the unit's concept as another one in the whole campaign.",
        role=Role.REVIEWER,
        subject="unit label",
        run=revising.merge,
        is_quick=True,
        options=revising.ReviseOptions,
        refusals=(BadRevision,),
    ),
    Step(
        name="split",
        title="Split off",
        sentence="Gives the unit's answers of some forms another concept.",
        role=Role.REVIEWER,
        subject="unit label",
        run=revising.split,
        is_quick=True,
        options=revising.ReviseOptions,
        refusals=(BadRevision,),
    ),
    Step(
        name="merge-concepts",
        title="Merge concepts",
        sentence="Counts several concepts as one in the whole campaign.",
        role=Role.REVIEWER,
        run=revising.merge_several,
        is_quick=True,
        options=revising.ReviseOptions,
        refusals=(BadRevision,),
    ),
]
STEPS: dict[str, Step] = {step.name: step for step in [*_OF_CAMPAIGNS, *_OF_ANSWERS, *_OF_LABELS]}
