"""The audit log, newest first, and the check of its chain of digests."""

from django.core.paginator import Paginator
from django.http import HttpResponse

from annotator.accounts.auditing import AuditLogBroken, verify_audit_log
from annotator.accounts.models import AuditEntry, Role
from annotator.dashboard.frame.access import needs
from annotator.dashboard.frame.pages import SignedInRequest, show, show_part


@needs(Role.VIEWER)
def show_decisions(request: SignedInRequest) -> HttpResponse:
    """The audit log, newest first."""
    entries = Paginator(AuditEntry.objects.order_by("-id"), 50).get_page(request.GET.get("page"))
    return show(request, "dashboard/people/decisions.html", title="Decisions", entries=entries)


@needs(Role.VIEWER)
def verify_decisions(request: SignedInRequest) -> HttpResponse:
    """Checks the audit log's chain of digests."""
    try:
        verified, broken = verify_audit_log(), ""
    except AuditLogBroken as problem:
        verified, broken = None, str(problem)
    return show_part(request, "dashboard/people/decisions_verified.html", {"verified": verified, "broken": broken})
