"""What one person holds and has done, asked of the database once for any number of HIT types."""

from collections.abc import Iterable
from functools import cached_property

from annotator.sandbox.models import HITType, Person, QualificationType
from annotator.sandbox.models import QualificationRequest as Request
from annotator.sandbox.rules.states import AssignmentState


class Standing:
    """Read at the first use, as it is then; each request has its own."""

    def __init__(self, person: Person, hit_types: Iterable[HITType] = ()) -> None:
        self.person = person
        self._type_ids = {one["QualificationTypeId"] for kind in hit_types for one in kind.requirements}

    @cached_property
    def values(self) -> dict[str, int]:
        """Of the qualifications that these HIT types name and the person holds, by their type's id."""
        granted = self.person.qualifications.filter(type__mturk_id__in=self._type_ids, is_revoked=False)
        return dict(granted.values_list("type__mturk_id", "value"))

    @cached_property
    def types(self) -> dict[str, QualificationType]:
        return QualificationType.objects.in_bulk(self._type_ids, field_name="mturk_id")

    @cached_property
    def asked_for(self) -> set[str]:
        """The ids of the types whose test the person has ended, or that they have requested."""
        asked = self.person.qualification_requests.filter(type__mturk_id__in=self._type_ids)
        return set(asked.exclude(state=Request.State.STARTED).values_list("type__mturk_id", flat=True))

    @cached_property
    def n_approved(self) -> int:
        return self.person.assignments.filter(state=AssignmentState.APPROVED).count()

    @cached_property
    def n_rejected(self) -> int:
        return self.person.assignments.filter(state=AssignmentState.REJECTED).count()
