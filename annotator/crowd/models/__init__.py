"""What is asked and answered: campaigns, HITs, assignments, workers, and every outward act as a row."""

from annotator.crowd.linked import Link, LinkedHIT, LinkedWork
from annotator.crowd.models.acts import Compensation, OutwardAct, Rejection, has_compensating_bonus, was_paid_by_bonus
from annotator.crowd.models.assignments import ANSWERED, CATEGORY_CHOICES, COUNTED, OPEN, Answer, Assignment, Worker
from annotator.crowd.models.campaigns import GOING, Campaign
from annotator.crowd.models.hits import HIT, HITImage, HITType, HITUnit
from annotator.crowd.models.messages import Letter, Notice
