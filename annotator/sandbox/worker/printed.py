"""Addresses as clients print them for Amazon, with this site's host name: they lead to the HITs that are meant."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from annotator.sandbox.acts import catalog
from annotator.sandbox.models import HITType
from annotator.sandbox.worker import session


@require_GET
def open_preview(request: HttpRequest) -> HttpResponse:
    """/mturk/preview?groupId=..., with the id of a group, of a HIT type or of a HIT."""
    return open_group(request, request.GET.get("groupId") or request.GET.get("hitId") or "")


@require_GET
def open_group(request: HttpRequest, group_id: str) -> HttpResponse:
    """A HIT of the group that this person may take; the group's page if there is none."""
    now, person = session.settled_now(), session.find_person(request)
    sought = session.clean(group_id)
    kind = HITType.objects.filter(Q(group_id=sought) | Q(mturk_id=sought) | Q(hits__mturk_id=sought)).first()
    if kind is None:
        return session.show_problem(request, person, "There is no such group of HITs.", status=404)
    hit = catalog.next_hit(kind, person, now=now)
    return redirect("sandbox-preview", hit.mturk_id) if hit else redirect("sandbox-group", kind.group_id)
