"""Where compiled loops are kept."""

import pytest

from workers.engine.compiling import compiled


def test_loops_are_compiled_though_no_folder_can_be_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that is read-only."""
    caching = pytest.importorskip("numba.core.caching")
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])

    @compiled
    def double(value: int) -> int:
        return 2 * value

    assert double(4) == 8
    assert not double.stats.cache_path  # type: ignore[attr-defined]
