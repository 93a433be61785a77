"""The crowd's fixtures for its commands."""

from tests.annotator.crowd.fixtures import dissection, market

__all__ = ["dissection", "market"]
