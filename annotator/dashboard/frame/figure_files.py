"""A figure as SVG, PNG or CSV: what is sent of it."""

from django.http import HttpResponse

from annotator.csv_files import CONTENT_TYPE

THEMES = ("light", "dark")
FIGURE_ENDINGS = {"svg": "image/svg+xml", "png": "image/png", "csv": CONTENT_TYPE}


def send_figure_file(content: bytes, *, ending: str, file: str) -> HttpResponse:
    """file: the name to download it under, without its ending; "" to show it."""
    response = HttpResponse(content, content_type=FIGURE_ENDINGS[ending])
    response["Cache-Control"] = "private, no-cache"
    # An SVG that is opened at its own address must not run scripts.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    if file:
        response["Content-Disposition"] = f'attachment; filename="{file}.{ending}"'
    return response
