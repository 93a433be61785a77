"""The crowd's fixtures, which the HIT types' browser tests use too."""

from tests.annotator.crowd.fixtures import campaign, dissection, hit, market, visit

__all__ = ["campaign", "dissection", "hit", "market", "visit"]
