"""Notes and tags of units, kept views, and links that show one page to somebody who is signed out."""

from datetime import timedelta

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Case, Count, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotator.accounts.models import Role
from annotator.accounts.roles import may
from annotator.accounts.sharing import DEFAULT_LIFE, MAX_LIFE, end_shared, find_shared, list_living, share_page
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.guests import find_route, is_shareable, open_link
from annotator.dashboard.frame.pages import SignedInRequest, show, show_refusal
from annotator.notes.models import SavedView, UnitNote, UnitTag
from annotator.notes.noting import CannotNote, add_tags, save_view, write_note
from annotator.units.models import Unit

PAGE_SIZE = 30
MAX_SHOWN = 200


class ShareForm(forms.Form):
    address = forms.CharField(max_length=1000)
    days = forms.IntegerField(min_value=1, max_value=MAX_LIFE.days, initial=DEFAULT_LIFE.days)


@needs(Role.VIEWER)
def show_notes(request: SignedInRequest) -> HttpResponse:
    """Notes and tags of units, kept views, and one's own shared links."""
    notes = UnitNote.objects.select_related("unit__layer__network", "author")
    own_first = Case(When(owner=request.user, then=Value(0)), default=Value(1))
    return show(
        request,
        "dashboard/noting/notes.html",
        title="Notes and views",
        notes=Paginator(notes, PAGE_SIZE).get_page(request.GET.get("page")),
        views=SavedView.objects.select_related("owner").order_by(own_first, "name", "pk")[:MAX_SHOWN],
        tags=UnitTag.objects.values("name").annotate(n=Count("pk")).order_by("-n", "name")[:MAX_SHOWN],
        links=list_living(timezone.now()).filter(user=request.user)[:MAX_SHOWN],
    )


@require_POST
@needs(Role.RESEARCHER)
def note_unit(request: SignedInRequest, network: str, layer: str, index: int) -> HttpResponse:
    """Writes a note about a unit, gives it tags, or both."""
    unit = get_object_or_404(Unit, layer__network__name=network, layer__path=layer, index=index)
    text, tags = request.POST.get("text", ""), request.POST.get("tags", "")
    if not text.strip() and not tags.strip():
        raise CannotNote("Write a note or a tag first.")
    now = timezone.now()
    with transaction.atomic():
        if tags.strip():
            add_tags(unit=unit, text=tags, author=request.user, now=now)
        if text.strip():
            write_note(unit=unit, text=text, author=request.user, now=now)
    return redirect(f"{reverse('unit', args=[network, layer, index])}#notes")


@require_POST
@needs(Role.RESEARCHER)
def delete_note(request: SignedInRequest, note_id: int) -> HttpResponse:
    """Deletes a note of one's own; a reviewer deletes anybody's."""
    note = get_object_or_404(UnitNote.objects.select_related("unit__layer__network"), pk=note_id)
    if note.author_id != request.user.pk and not may(request.role, Role.REVIEWER):
        return show_refusal(request, "Only its author or a reviewer deletes a note.", status=403)
    note.delete()
    return _back_to(note.unit)


@require_POST
@needs(Role.RESEARCHER)
def delete_tag(request: SignedInRequest, tag_id: int) -> HttpResponse:
    """Takes a tag from a unit."""
    tag = get_object_or_404(UnitTag.objects.select_related("unit__layer__network"), pk=tag_id)
    tag.delete()
    return _back_to(tag.unit)


def _back_to(unit: Unit) -> HttpResponse:
    return redirect(f"{reverse('unit', args=[unit.layer.network.name, unit.layer.path, unit.index])}#notes")


@require_POST
@needs(Role.VIEWER)
def keep_view(request: SignedInRequest) -> HttpResponse:
    """Keeps the address of a page under a name."""
    address = request.POST.get("address", "")
    if not find_route(address):
        raise CannotNote("This is no address of a page here.")
    view = save_view(owner=request.user, name=request.POST.get("name", ""), address=address, now=timezone.now())
    messages.success(request, f"Kept as “{view.name}”. It is listed under Notes and views.")
    return redirect(address)


@require_POST
@needs(Role.VIEWER)
def delete_view(request: SignedInRequest, view_id: int) -> HttpResponse:
    """Deletes a kept view of one's own."""
    view = get_object_or_404(SavedView, pk=view_id, owner=request.user)
    view.delete()
    messages.success(request, f"The view “{view.name}” is deleted.")
    return redirect("notes")


@require_POST
@needs(Role.RESEARCHER)
def share_one(request: SignedInRequest) -> HttpResponse:
    """Makes a link that shows one page to whoever has it, and shows the link once."""
    form = ShareForm(request.POST)
    if not form.is_valid():
        name, problems = next(iter(form.errors.items()))
        return show_refusal(request, f"{name}: {problems[0]}", status=422)
    address, life = form.cleaned_data["address"], timedelta(days=form.cleaned_data["days"])
    if not is_shareable(address):
        return show_refusal(request, "This page cannot be shared. Pages of units and layers can.", status=422)
    now = timezone.now()
    key = share_page(address=address, actor=request.user, life=life, now=now)
    response = show(
        request,
        "dashboard/noting/shared.html",
        title="A link to share",
        link=f"{settings.WEB_URL}{reverse('shared', args=[key])}",
        address=address,
        ends_at=now + life,
    )
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@needs(Role.RESEARCHER)
def end_link(request: SignedInRequest, link_id: int) -> HttpResponse:
    """Ends a shared link of one's own."""
    if not end_shared(link_id=link_id, owner=request.user, now=timezone.now()):
        return show_refusal(request, "You have no such link.", status=404)
    messages.success(request, "The link is ended. It shows nothing any more.")
    return redirect("notes")


@require_safe
def open_shared(request: HttpRequest, key: str) -> HttpResponse:
    """Leads whoever has a shared link to its page."""
    link = find_shared(key=key, now=timezone.now())
    if link is None:
        response = render(request, "dashboard/noting/ended.html", {"title": "This link has ended"}, status=404)
    else:
        open_link(request, link)
        response = redirect(link.address)
    response["Cache-Control"] = "no-store"
    return response
