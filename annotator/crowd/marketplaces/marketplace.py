"""The three marketplaces a campaign can be bound to: addresses, submit hosts, frame ancestors, fees, credentials."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from annotator.crowd.marketplaces.outcomes import UnknownMarketplace


@dataclass(frozen=True)
class FeeSchedule:
    """The marketplace's fee on a reward or bonus; shares of 1."""

    share: Decimal = Decimal("0.20")
    large_hit_share: Decimal = Decimal("0.20")
    large_hit_from: int = 10
    least_usd: Decimal = Decimal("0.01")


@dataclass(frozen=True)
class Marketplace:
    name: str
    is_real_money: bool
    endpoint_url: str
    region_name: str
    # Whole values that turkSubmitTo may have, the first being what the page posts to by default.
    submit_origins: tuple[str, ...]
    frame_ancestors: tuple[str, ...]
    worker_url: str
    credentials: tuple[str, str]
    fees: FeeSchedule = FeeSchedule()

    def match_submit_origin(self, turk_submit_to: str) -> str | None:
        """The allowed origin that equals what the page was given, or None. Nothing is parsed, so nothing is fooled."""
        given = turk_submit_to.removesuffix("/")
        return next((origin for origin in self.submit_origins if origin == given), None)


def open_marketplace(name: str) -> Marketplace:
    credentials = settings.MARKETPLACE_CREDENTIALS
    match name:
        case "own":
            return Marketplace(
                name=name,
                is_real_money=False,
                endpoint_url=settings.SANDBOX_URL,
                region_name="us-east-1",
                submit_origins=(settings.SANDBOX_URL,),
                frame_ancestors=(settings.SANDBOX_URL,),
                worker_url=f"{settings.SANDBOX_URL}/worker/",
                credentials=credentials[name],
            )
        case "mturk-sandbox":
            return Marketplace(
                name=name,
                is_real_money=False,
                endpoint_url="https://mturk-requester-sandbox.us-east-1.amazonaws.com",
                region_name="us-east-1",
                submit_origins=("https://workersandbox.mturk.com",),
                frame_ancestors=("https://workersandbox.mturk.com",),
                worker_url="https://workersandbox.mturk.com/",
                credentials=credentials[name],
            )
        case "mturk":
            return Marketplace(
                name=name,
                is_real_money=True,
                endpoint_url="https://mturk-requester.us-east-1.amazonaws.com",
                region_name="us-east-1",
                submit_origins=("https://www.mturk.com",),
                frame_ancestors=("https://worker.mturk.com", "https://www.mturk.com"),
                worker_url="https://worker.mturk.com/",
                credentials=credentials[name],
            )
    raise UnknownMarketplace(f"There is no marketplace {name!r}; choose own, mturk-sandbox or mturk.")


MARKETPLACE_TONES = {"own": "us-is-good", "mturk-sandbox": "us-is-warn", "mturk": "us-is-bad"}


MARKETPLACE_WORDS = {
    "own": "own marketplace · play money",
    "mturk-sandbox": "MTurk sandbox · play money",
    "mturk": "MTurk · real money",
}
