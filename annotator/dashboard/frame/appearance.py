"""How django-unfold dresses the dashboard and the admin: names, colors and the sidebar."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _item(title: str, icon: str, address: str, *, also: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """`also`: where else pages of this item lie."""
    link = reverse_lazy(address)
    return {"title": title, "icon": icon, "link": link, "active": partial(is_within, addresses=(link, *also)), **more}


def is_admin(request: HttpRequest) -> bool:
    """True if the person sees the tables; to others their list would be empty."""
    return bool(getattr(request.user, "is_superuser", False))


def may_run(request: HttpRequest) -> bool:
    """True from a researcher on. The page has read the role; settings import this file before there are tables."""
    return getattr(request, "role", None) not in (None, "viewer") or is_admin(request)


def is_within(request: HttpRequest, *, addresses: Iterable[Any]) -> bool:
    """True for the pages themselves and those below them. Unfold would mark an item whose address is found anywhere
    in the page's: "Try a photograph" on the page of a campaign that is named "try", and the home page everywhere.
    """
    path = request.path
    return any(path == address or (address != "/" and path.startswith(str(address))) for address in addresses)


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Unitscope",
    "SITE_HEADER": "Unitscope",
    "SITE_URL": "/",
    "SITE_SYMBOL": "blur_on",
    "SHOW_VIEW_ON_SITE": False,
    # An empty picture: browsers would ask for /favicon.ico and be told that there is none.
    "SITE_FAVICONS": [{"rel": "icon", "href": lambda request: "data:,"}],
    "ENVIRONMENT": "annotator.dashboard.frame.marketplace_label.label_marketplace",
    "STYLES": [lambda request: static("dashboard/dashboard.css")],
    "SCRIPTS": [
        lambda request: static("dashboard/dashboard.js"),
        lambda request: static("dashboard/keys.js"),
        lambda request: static("dashboard/tables.js"),
        lambda request: static("dashboard/leaving.js"),
        lambda request: static("sandbox/countries.js"),
    ],
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "oklch(97.5% .016 195)",
            "100": "oklch(94.5% .036 195)",
            "200": "oklch(89.5% .066 195)",
            "300": "oklch(83% .098 194)",
            "400": "oklch(76% .115 193)",
            "500": "oklch(68% .113 194)",
            "600": "oklch(49% .085 196)",
            "700": "oklch(43% .074 198)",
            "800": "oklch(37% .062 200)",
            "900": "oklch(32% .05 202)",
            "950": "oklch(24% .038 204)",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {
                "items": [
                    _item("Home", "home", "home"),
                    _item("Units", "grid_view", "gallery", also=("/layers/", "/images/")),
                    _item("Try a photograph", "add_a_photo", "try"),
                    _item("Read-outs", "linear_scale", "readouts"),
                    _item("Review", "fact_check", "review"),
                    _item("Notes and views", "bookmarks", "notes"),
                ],
            },
            {
                "title": "Work",
                "separator": True,
                "items": [
                    _item("Campaigns", "groups", "campaigns"),
                    _item("Crowd", "mail", "crowd", permission=may_run),
                    _item("Studies", "science", "studies"),
                    _item("Dissections", "biotech", "dissections"),
                    _item("Side by side", "stacked_bar_chart", "networks"),
                    _item("Methods", "chat", "methods"),
                    _item("Localization", "filter_center_focus", "localizations"),
                ],
            },
            {
                "title": "Records",
                "separator": True,
                "items": [
                    _item("Decisions", "history_edu", "decisions"),
                    _item("People and tokens", "badge", "people"),
                    _item("All tables", "table_view", "admin:index", permission=is_admin),
                ],
            },
        ],
    },
}
