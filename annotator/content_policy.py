"""What the browser may load and run on a page, unless its view says more exactly, as those of HIT pages do."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# Alpine, in the dashboard's frame, evaluates the expressions in its attributes; no script stands in a page itself.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'"
)
HEADER = "Content-Security-Policy"


class SetContentPolicy:
    """Middleware: pages that no view allows to be framed are framed by nobody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if HEADER not in response:
            is_framed = getattr(response, "xframe_options_exempt", False)
            response[HEADER] = POLICY if is_framed else f"{POLICY}; frame-ancestors 'none'"
        return response
