"""Whether this process can do its work: it reaches the database."""

from django.db import connection
from django.http import HttpRequest, JsonResponse


def show_health(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})
