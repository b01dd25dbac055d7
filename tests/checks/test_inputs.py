from __future__ import annotations

from geiger.checks.base import Quiet
from helpers.cases import CODES, case, config


def test_a_run_on_fresh_prices_is_not_stale_because_a_year_of_them_is_locked() -> None:
    """Development rows up to 2024-12-31 and a year of locked ones after them, read on 2026-01-05."""
    locked = {"Days": "2000-01-03 to 2024-12-31", "Lock-box": "last 252 rows, from 2025-01-02"}
    assert CODES["GC503"].ask(case(config(**locked))) == Quiet()
    found = CODES["GC503"](case(config(**{**locked, "Lock-box": "none"})))
    assert found is not None
    assert found.text == "the development rows end on 2024-12-31, 370 days ago"
    old = CODES["GC503"](case(config(**{**locked, "Days": "2000-01-03 to 2023-12-29"})))
    assert old is not None
    assert old.text.endswith("738 days ago; the 252 locked rows after it cover at most about 365 of these")
