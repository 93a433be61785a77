"""The marketplace's tables; no other app reads them."""

from annotator.sandbox.models.accounts import Message, Requester, WorkerBlock
from annotator.sandbox.models.faults import Switches
from annotator.sandbox.models.money import BonusPayment, LedgerEntry, RequestToken
from annotator.sandbox.models.notices import Notification, NotificationSetting
from annotator.sandbox.models.people import Invitation, Payout, Person, Report
from annotator.sandbox.models.qualifications import Qualification, QualificationRequest, QualificationType
from annotator.sandbox.models.work import HIT, Assignment, HITLayout, HITType, ReviewAction, ReviewResult, UploadedFile
