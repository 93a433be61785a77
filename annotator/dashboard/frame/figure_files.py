"""A figure as SVG, PDF, PNG, CSV or caption: what is sent of it."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from annotator.csv_files import CONTENT_TYPE
from annotator.names import to_file_name

THEMES = ("light", "dark")
FIGURE_ENDINGS = {
    "svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png", "csv": CONTENT_TYPE,
    "txt": "text/plain; charset=utf-8",
}  # fmt: skip
WIDTHS = ("one", "two")


def name_download(file: str) -> str:
    """The header by which a browser saves under this name, in whatever script."""
    return content_disposition_header(as_attachment=True, filename=to_file_name(file)) or "attachment"


def send_figure_file(content: bytes, *, ending: str, file: str) -> HttpResponse:
    """file: the name to download it under, without its ending; "" to show it."""
    response = HttpResponse(content, content_type=FIGURE_ENDINGS[ending])
    response["Cache-Control"] = "private, no-cache"
    # An SVG that is opened at its own address must not run scripts.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    if file:
        response["Content-Disposition"] = name_download(f"{file}.{ending}")
    return response
